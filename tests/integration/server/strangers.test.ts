import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Agent, request, type RequestOptions } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AccountService } from "../../../src/contract/gen/gitpod/v1/account_pb.js";
import { EditorService } from "../../../src/contract/gen/gitpod/v1/editor_pb.js";
import { EnvironmentAutomationService } from "../../../src/contract/gen/gitpod/v1/environment_automation_pb.js";
import { EnvironmentService } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { EventService } from "../../../src/contract/gen/gitpod/v1/event_pb.js";
import { GatewayService } from "../../../src/contract/gen/gitpod/v1/gateway_pb.js";
import { GroupService } from "../../../src/contract/gen/gitpod/v1/group_pb.js";
import { IdentityService } from "../../../src/contract/gen/gitpod/v1/identity_pb.js";
import { OrganizationService } from "../../../src/contract/gen/gitpod/v1/organization_pb.js";
import { PrebuildService } from "../../../src/contract/gen/gitpod/v1/prebuild_pb.js";
import { ProjectService } from "../../../src/contract/gen/gitpod/v1/project_pb.js";
import { RunnerConfigurationService } from "../../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerService } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import { SecretService } from "../../../src/contract/gen/gitpod/v1/secret_pb.js";
import { ServiceAccountService } from "../../../src/contract/gen/gitpod/v1/service_account_pb.js";
import { UsageService } from "../../../src/contract/gen/gitpod/v1/usage_pb.js";
import { UserService } from "../../../src/contract/gen/gitpod/v1/user_pb.js";
import { sqliteDatabases } from "../store/databases.ts";
import { ServedServer } from "./served-server.ts";

/** Below the number that one address may make at once. */
const requestsPerAddress = 40;
const unknownTokens = [undefined, `berth_pat_${"A".repeat(43)}`, "' OR '1'='1"];

const services: readonly DescService[] = [
  ...[AccountService, EditorService, EnvironmentAutomationService, EnvironmentService, EventService, GatewayService, GroupService],
  ...[IdentityService, OrganizationService, PrebuildService, ProjectService, RunnerConfigurationService, RunnerService],
  ...[SecretService, ServiceAccountService, UsageService, UserService],
];
const methods = services.flatMap((service): DescMethod[] => service.methods);

const databases = sqliteDatabases();
let server: ServedServer;
let sent = 0;
beforeAll(async () => {
  await databases.start();
  server = await ServedServer.start(databases);
});
afterAll(async () => {
  await server.stop();
  await databases.stop();
});

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Sends a request from an address that has not made too many; `endless` has a body that never comes. */
async function send(path: string, options: { token?: string | undefined; type: string; body: string; endless?: boolean }): Promise<Answer> {
  const localAddress = `127.0.1.${1 + Math.floor(sent++ / requestsPerAddress)}`;
  const headers = {
    "content-type": options.type,
    ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
    ...(options.endless === true ? { "content-length": "4000000" } : {}),
  };
  const how: RequestOptions = { method: "POST", localAddress, headers, agent: new Agent({ keepAlive: false }) };
  return new Promise((resolve, reject) => {
    const outgoing = request(`${server.baseUrl}/${path}`, how, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    outgoing.on("error", reject);
    if (options.endless === true) outgoing.flushHeaders();
    else outgoing.end(options.body);
  });
}

/** Their rows say that strangers may call them. */
const forStrangers = ["GetSSOLoginURL", "ListSSOLogins", "ListLoginProviders", "ExchangeToken"];

test("every method refuses who is not known, and says nothing more", async () => {
  expect(methods.length).toBeGreaterThan(150);
  for (const method of methods.filter(({ name }) => !forStrangers.includes(name))) {
    const path = `${method.parent.typeName}/${method.name}`;
    const token = unknownTokens[sent % unknownTokens.length];
    if (method.methodKind === "unary") {
      const { status, body } = await send(path, { token, type: "application/json", body: "{}" });
      expect(JSON.parse(body), path).toMatchObject({ code: "unauthenticated" });
      expect(status, path).toBe(401);
    } else {
      const { body } = await send(path, { token, type: "application/connect+json", body: "\0\0\0\0\u0002{}" });
      expect(body, path).toContain('"code":"unauthenticated"');
    }
  }
});

test("how to sign in is told to everybody, and nothing of addresses that are not known", async () => {
  const email = "ada@example.com";
  const answers: Record<string, number> = { GetSSOLoginURL: 404, ListSSOLogins: 200, ListLoginProviders: 200 };
  for (const [name, expected] of Object.entries(answers)) {
    const body = JSON.stringify(name === "ListLoginProviders" ? { filter: { email } } : { email });
    const { status, body: answered } = await send(`gitpod.v1.AccountService/${name}`, { type: "application/json", body });
    expect(status, name).toBe(expected);
    expect(answered, name).not.toContain("example.com");
  }
});

test("events as lines are refused as well", async () => {
  const { status, body } = await send("gitpod.v1.EventService/WatchEvents", { type: "application/jsonl", body: "{}" });
  expect({ status, ...JSON.parse(body) }).toMatchObject({ status: 401, code: "unauthenticated" });
});

test("a stranger is answered before their request is read", async () => {
  const { status } = await send("gitpod.v1.SecretService/CreateSecret", { type: "application/json", body: "", endless: true });
  expect(status).toBe(401);
});
