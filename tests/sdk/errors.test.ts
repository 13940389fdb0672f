import { fromBinary, type DescMethod, type DescService } from "@bufbuild/protobuf";
import type Gitpod from "@gitpod/sdk";
import { readdirSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ActionableErrorDetailsSchema } from "../../src/contract/gen/gitpod/v1/actionable_error_pb.js";
import { ServedPlane, unknownId } from "./served-plane.ts";

let served: ServedPlane;
let client: Gitpod;

beforeAll(async () => {
  served = await ServedPlane.start();
  ({ client } = served);
});
afterAll(async () => served.close());

test("an error has a status, a code, words, and details that a program can read", async () => {
  const failure: unknown = await client.environments.retrieve({ environmentId: unknownId }).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    status: 404,
    error: {
      code: "not_found",
      message: `The environment was not found: there is no environment ${unknownId}`,
      details: [{ type: "gitpod.v1.ActionableErrorDetails", value: expect.any(String) }],
    },
  });
  const { value } = (failure as { error: { details: { value: string }[] } }).error.details[0] ?? { value: "" };
  expect(fromBinary(ActionableErrorDetailsSchema, Buffer.from(value, "base64"))).toMatchObject({
    errorCode: "environment-not-found",
    userMessage: `The environment was not found: there is no environment ${unknownId}`,
  });
});

test("a broken rule of the API names its field", async () => {
  await expect(client.environments.retrieve({ environmentId: "no id" })).rejects.toMatchObject({
    status: 400,
    error: { message: expect.stringContaining("environment_id: must be a valid UUID"), code: "invalid_argument" },
  });
});

test.each(["StartEnvironment", "StopEnvironment", "UpdateEnvironment", "DeleteEnvironment", "ArchiveEnvironment", "UnarchiveEnvironment"])(
  "%s of an unknown environment is not found",
  async (method) => {
    await expect(client.post(`/gitpod.v1.EnvironmentService/${method}`, { body: { environmentId: unknownId } })).rejects.toMatchObject({
      status: 404,
      error: { details: [{ debug: { errorCode: "environment-not-found" } }] },
    });
  },
);

test("an environment from a project nobody has is not found", async () => {
  await expect(client.environments.createFromProject({ projectId: unknownId })).rejects.toMatchObject({ status: 404 });
});

const generated = new URL("../../src/contract/gen/", import.meta.url);
const publicServices: DescService[] = [];
for (const path of readdirSync(generated, { recursive: true, encoding: "utf8" })) {
  if (!/^(gitpod|supervisor)\/v1\/\w+_pb\.js$/.test(path)) continue;
  const exported: Record<string, unknown> = await import(new URL(path, generated).href);
  for (const value of Object.values(exported)) if (isService(value)) publicServices.push(value);
}

function isService(value: unknown): value is DescService {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "service";
}

/** What is built; every other method of every public service has to say that it is not. */
const built = {
  "gitpod.v1.EnvironmentService":
    "GetEnvironment ListEnvironments ListEnvironmentClasses CreateEnvironment CreateEnvironmentFromProject StartEnvironment StopEnvironment UpdateEnvironment DeleteEnvironment MarkEnvironmentActive UnarchiveEnvironment ArchiveEnvironment",
  "gitpod.v1.EventService": "WatchEvents",
  "gitpod.v1.EditorService": "ListEditors GetEditor ResolveEditorURL",
  "gitpod.v1.RunnerService": "GetRunner ListRunners ParseContextURL",
  "gitpod.v1.RunnerConfigurationService":
    "CreateHostAuthenticationToken GetHostAuthenticationToken ListHostAuthenticationTokens UpdateHostAuthenticationToken DeleteHostAuthenticationToken GetEnvironmentClass ListEnvironmentClasses",
  "gitpod.v1.SecretService": "CreateSecret UpdateSecretValue ListSecrets DeleteSecret GetSecretValue",
  "gitpod.v1.UsageService":
    "ListEnvironmentUsageRecords GetActiveUsersCount GetTopActiveUsers GetActiveUsersTimeSeries GetActiveEnvironmentsCount GetActiveEnvironmentsTimeSeries GetEnvironmentRuntime GetEnvironmentRuntimeTimeSeries GetTopProjects GetTopEnvironmentClasses GetEnvironmentSessionsTimeSeries",
  "gitpod.v1.UserService": "GetAuthenticatedUser GetUser",
  "gitpod.v1.IdentityService": "GetAuthenticatedIdentity",
};
const builtNames = new Set(Object.entries(built).flatMap(([service, methods]) => methods.split(" ").map((m) => `${service}/${m}`)));

function nameOf(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

test("all public services are known here", () => {
  expect(publicServices.map((s) => s.typeName).toSorted()).toEqual([
    "gitpod.v1.AccountService",
    "gitpod.v1.EditorService",
    "gitpod.v1.EnvironmentAutomationService",
    "gitpod.v1.EnvironmentService",
    "gitpod.v1.EventService",
    "gitpod.v1.GatewayService",
    "gitpod.v1.GroupService",
    "gitpod.v1.IdentityService",
    "gitpod.v1.OrganizationService",
    "gitpod.v1.PrebuildService",
    "gitpod.v1.ProjectService",
    "gitpod.v1.RunnerConfigurationService",
    "gitpod.v1.RunnerInteractionService",
    "gitpod.v1.RunnerService",
    "gitpod.v1.SecretService",
    "gitpod.v1.ServiceAccountService",
    "gitpod.v1.UsageService",
    "gitpod.v1.UserService",
    "supervisor.v1.EnvironmentOpsService",
  ]);
});

const methods = publicServices.flatMap((service) => service.methods);
const unaryUnbuilt = methods.filter((m) => m.methodKind === "unary" && !builtNames.has(nameOf(m)));

test.each(unaryUnbuilt.map(nameOf))("%s says that it is not built, whatever it is given", async (name) => {
  await expect(client.post(`/${name}`, { body: {} })).rejects.toMatchObject({
    status: 501,
    error: { code: "unimplemented", details: [{ debug: { errorCode: "not-supported" } }] },
  });
});

test.each(methods.filter((m) => m.methodKind === "unary" && builtNames.has(nameOf(m))).map(nameOf))("%s is built", async (name) => {
  const answer: unknown = await client.post(`/${name}`, { body: {} }).catch((error: unknown) => error);
  expect(answer).not.toMatchObject({ status: 501 });
  expect(answer).not.toMatchObject({ status: 500 });
});

test("streams that are not built say so in their stream", async () => {
  for (const method of methods.filter((m) => m.methodKind !== "unary" && !builtNames.has(nameOf(m)))) {
    const response = await fetch(`${served.baseUrl}/${nameOf(method)}`, {
      method: "POST",
      headers: { "content-type": "application/connect+json", "connect-protocol-version": "1" },
      body: Buffer.concat([Buffer.from([0, 0, 0, 0, 2]), Buffer.from("{}")]),
    });
    expect(await response.text(), nameOf(method)).toContain("unimplemented");
  }
});

test("the SDK's own calls of services that are not built answer 501", async () => {
  for (const call of [
    client.projects.list({}),
    client.groups.list({}),
    client.environments.automations.services.list({}),
    client.environments.automations.tasks.list({}),
    client.events.list({}),
    client.users.pats.list({}),
    client.gateways.list({}),
    client.accounts.retrieve({}),
  ])
    await expect(call).rejects.toMatchObject({ status: 501 });
});
