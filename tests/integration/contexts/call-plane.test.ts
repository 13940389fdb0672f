import {
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
  create,
} from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fromConnectError } from "../../../src/contract/connect-error.ts";
import { ContextService } from "../../../src/contract/gen/berth/v1/context_pb.js";
import { ActionableErrorDetailsSchema } from "../../../src/contract/gen/gitpod/v1/actionable_error_pb.js";
import { EnvironmentService } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { OrganizationRole, OrganizationService } from "../../../src/contract/gen/gitpod/v1/organization_pb.js";
import { RunnerKind, RunnerProvider } from "../../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerService } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import { UserService } from "../../../src/contract/gen/gitpod/v1/user_pb.js";
import { HostSessions, hostTransport } from "../../../src/lib/host-transport.ts";
import { berthPaths } from "../../../src/lib/paths.ts";
import { uuidV7 } from "../../../src/lib/uuid.ts";
import type { Person } from "../server/people.ts";
import { CliHome } from "../cli-home.ts";
import { PlaneWithEnvironments } from "./plane-with-environments.ts";

let cli: CliHome;
let plane: PlaneWithEnvironments;
let contexts: Client<typeof ContextService>;
let robin: Person | undefined;
let asAdmin: string;
let asMember: string;

beforeAll(async () => {
  plane = new PlaneWithEnvironments();
  await plane.start();
  [robin] = await plane.addMembers("Robin");
  cli = new CliHome();
  await cli.json("context", "list");
  contexts = createClient(ContextService, hostTransport(new HostSessions(berthPaths(cli.env).apiSocket)));
  asAdmin = await signedIn(plane.admin.token);
  asMember = await signedIn(robin?.token ?? "");
});

afterAll(async () => {
  await cli.end();
  await plane.end();
});

async function signedIn(token: string, planeUrl = plane.url): Promise<string> {
  const contextId = (await contexts.addContext({ planeUrl })).context?.contextId ?? "";
  for await (const _ of contexts.signIn({ contextId, method: { case: "personalAccessToken", value: token } }));
  return contextId;
}

/** As the window calls. */
async function call<Input extends DescMessage, Output extends DescMessage>(
  contextId: string,
  method: DescMethodUnary<Input, Output>,
  input: MessageInitShape<Input>,
): Promise<MessageShape<Output>> {
  const message = toBinary(method.input, create(method.input, input));
  const answer = await contexts.callPlane({ contextId, method: nameOf(method), message });
  return fromBinary(method.output, answer.message);
}

function nameOf({ parent, name }: DescMethodUnary): string {
  return `${parent.typeName}/${name}`;
}

async function failureOf(made: Promise<unknown>): Promise<ConnectError> {
  return made.then(
    () => Promise.reject(new Error("the call did not fail")),
    (error: unknown) => ConnectError.from(error),
  );
}

test("the host makes calls of the plane's API in the name of who is signed in, and each context has its own", async () => {
  const { organizationId, userId } = plane.admin;
  const { members } = await call(asAdmin, OrganizationService.method.listMembers, { organizationId });
  expect(members.map(({ fullName, role }) => [fullName, role])).toEqual([
    ["Ada", OrganizationRole.ADMIN],
    ["Robin", OrganizationRole.MEMBER],
  ]);
  const { runner, exchangeToken } = await call(asAdmin, RunnerService.method.createRunner, {
    name: "cellar",
    kind: RunnerKind.REMOTE,
    provider: RunnerProvider.AWS_EC2,
  });
  expect(exchangeToken).not.toBe("");
  expect(await call(asMember, RunnerService.method.getRunner, { runnerId: runner?.runnerId ?? "" })).toMatchObject({
    runner: { name: "cellar", creator: { id: userId } },
  });
});

test("what the plane refuses arrives with its code and its details", async () => {
  const setRole = { organizationId: plane.admin.organizationId, userId: plane.admin.userId, role: OrganizationRole.MEMBER };
  const forbidden = await failureOf(call(asMember, OrganizationService.method.setRole, setRole));
  expect(forbidden.code).toBe(Code.PermissionDenied);
  expect(fromConnectError(forbidden).code).toBe("not-allowed");
  const last = await failureOf(call(asAdmin, OrganizationService.method.setRole, setRole));
  expect(last.findDetails(ActionableErrorDetailsSchema)).toHaveLength(1);
  expect(fromConnectError(last).code).not.toBe("internal");
  const missing = await failureOf(call(asAdmin, RunnerService.method.getRunner, { runnerId: uuidV7(Date.now()) }));
  expect(missing.code).toBe(Code.NotFound);
  const broken = await failureOf(call(asAdmin, RunnerService.method.getRunner, { runnerId: "none" }));
  expect(fromConnectError(broken)).toMatchObject({ code: "request-invalid", detail: expect.stringContaining("runner_id") });
  // Nothing of the plane's answer but what it said.
  expect(missing.metadata.get("x-content-type-options")).toBeNull();
});

test.each([
  UserService.method.createPersonalAccessToken,
  EnvironmentService.method.createEnvironmentAccessToken,
  EnvironmentService.method.createPortAccessToken,
])("$name is not called, whatever the message says", async (method) => {
  const failure = await failureOf(contexts.callPlane({ contextId: asAdmin, method: nameOf(method), message: new Uint8Array() }));
  expect(fromConnectError(failure)).toMatchObject({ code: "not-allowed", detail: expect.stringContaining(method.name) });
});

test("messages that are none, or too long, go nowhere, and neither do those of who is not signed in", async () => {
  const method = nameOf(OrganizationService.method.listMembers);
  const codeOf = async (contextId: string, message: Uint8Array): Promise<string> =>
    fromConnectError(await failureOf(contexts.callPlane({ contextId, method, message }))).code;
  expect(await codeOf(asAdmin, Uint8Array.of(0xff, 0xff))).toBe("request-invalid");
  expect(await codeOf(asAdmin, new Uint8Array(300_000))).toBe("request-invalid");
  expect(await codeOf("nowhere", new Uint8Array())).toBe("context-not-found");
  const { context } = await contexts.addContext({ planeUrl: plane.url });
  expect(await codeOf(context?.contextId ?? "", new Uint8Array())).toBe("sign-in-required");
  await contexts.removeContext({ contextId: context?.contextId ?? "" });
});

test("a call can be given up while the plane says nothing, signing out ends it, and the number at once has a limit", async () => {
  // It takes connections, and answers none.
  const silent = createServer();
  const asked = new Promise<void>((resolve) => silent.once("connection", () => resolve()));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const address = silent.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const stored = join(cli.home, "contexts", asAdmin, "sign-in.json");
  const { context } = await contexts.addContext({ planeUrl: `http://127.0.0.1:${port}` });
  const contextId = context?.contextId ?? "";
  const moved = readFileSync(stored, "utf8").replaceAll(plane.url, `http://127.0.0.1:${port}`);
  writeFileSync(join(cli.home, "contexts", contextId, "sign-in.json"), moved, { mode: 0o600 });

  const gaveUp = new AbortController();
  const request = { contextId, method: nameOf(OrganizationService.method.listMembers), message: new Uint8Array() };
  const first = failureOf(contexts.callPlane(request, { signal: gaveUp.signal }));
  await asked;
  gaveUp.abort();
  expect((await first).code).toBe(Code.Canceled);

  const many = Array.from({ length: 33 }, async () => failureOf(contexts.callPlane(request)));
  expect(fromConnectError(await Promise.race(many)).code).toBe("rate-limited");
  await contexts.signOut({ contextId });
  const codes = (await Promise.all(many)).map((failure) => fromConnectError(failure).code);
  expect(codes.filter((code) => code === "canceled").length).toBeGreaterThanOrEqual(31);
  await contexts.removeContext({ contextId });
  silent.close();
});

test("while the plane is away the failure says so, and nobody is signed out for it", async () => {
  const { organizationId } = plane.admin;
  await plane.kill();
  const failure = await failureOf(call(asAdmin, OrganizationService.method.listMembers, { organizationId }));
  expect(failure.code).toBe(Code.Unavailable);
  expect(fromConnectError(failure).code).toBe("plane-unreachable");
  await plane.startAgain();
  expect((await call(asAdmin, OrganizationService.method.listMembers, { organizationId })).members).toHaveLength(2);
});
