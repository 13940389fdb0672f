import { create, type DescMethod, type DescMethodServerStreaming, type DescMethodUnary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type ServiceImpl, type Transport } from "@connectrpc/connect";
import { connectNodeAdapter, createConnectTransport } from "@connectrpc/connect-node";
import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import { afterEach, expect, test } from "vitest";
import { BerthError } from "../../contract/berth-error.ts";
import { ActionableErrorDetailsSchema } from "../../contract/gen/gitpod/v1/actionable_error_pb.js";
import { AccountService } from "../../contract/gen/gitpod/v1/account_pb.js";
import { EnvironmentSchema, EnvironmentService } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { EventService, ResourceType, WatchEventsResponseSchema } from "../../contract/gen/gitpod/v1/event_pb.js";
import { GroupService } from "../../contract/gen/gitpod/v1/group_pb.js";
import { Principal as ApiPrincipal } from "../../contract/gen/gitpod/v1/identity_pb.js";
import { ProjectService } from "../../contract/gen/gitpod/v1/project_pb.js";
import { SecretService } from "../../contract/gen/gitpod/v1/secret_pb.js";
import { EnvironmentOpsService } from "../../contract/gen/supervisor/v1/environmentopts_pb.js";
import type { Principal } from "../../contract/principal.ts";
import { translateErrors, validateRequests } from "../interceptors.ts";
import { Authorizer, principalKey, type ResourceReference } from "./authorizer.ts";
import type { ResourceFacts } from "./policy.ts";
import { authorizedServices } from "./table.ts";
import { messageOf } from "../../lib/log.ts";

const organizationId = "0000aaaa-0000-7000-8000-000000000001";
const userId = "0000bbbb-0000-7000-8000-000000000001";
const ownId = "0000eeee-0000-7000-8000-000000000001";
const sharedId = "0000eeee-0000-7000-8000-000000000002";
const colleaguesId = "0000eeee-0000-7000-8000-000000000003";
const foreignId = "0000eeee-0000-7000-8000-000000000004";
const unknownId = "0000eeee-0000-7000-8000-000000000005";

const principals: Readonly<Record<string, Principal>> = {
  user: {
    kind: "user",
    id: userId,
    accountId: "0000cccc-0000-7000-8000-000000000001",
    organizationId,
    organizationRoles: new Set(),
    token: undefined,
  },
  environment: { kind: "environment", id: ownId, organizationId },
};

/** What is in the caller's organization, by id; nothing else is found, as a store that is asked within one would have it. */
const known: Readonly<Record<string, ResourceFacts>> = {
  [ownId]: {
    organizationId,
    owners: [
      { kind: "user", id: userId },
      { kind: "environment", id: ownId },
    ],
  },
  [sharedId]: { organizationId, owners: [], shared: "user" },
  [colleaguesId]: { organizationId, owners: [] },
  [userId]: { organizationId, owners: [{ kind: "user", id: userId }] },
  [organizationId]: { organizationId, owners: [] },
};

/** A plane whose handlers only tell that they were called, and by whom. */
class GuardedPlane {
  readonly handled: string[] = [];
  readonly callers: (string | undefined)[] = [];
  readonly lookUps: (readonly ResourceReference[])[] = [];
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();

  private constructor() {
    const authorizer = new Authorizer({
      authenticate: async (headers) => {
        const token = headers.get("authorization")?.replace(/^Bearer /, "");
        if (token === undefined) return undefined;
        const principal = principals[token];
        if (principal === undefined) throw new BerthError("credential-invalid", "nobody has this token");
        return principal;
      },
      lookUp: async (references) => {
        this.lookUps.push(references);
        return references.map(({ id }) => known[id]);
      },
      endpointOf: (_url, headers) => headers.get("x-endpoint") ?? undefined,
    });
    const handler = connectNodeAdapter({
      routes: (router) => {
        for (const service of authorizedServices) router.service(service, this.#handlers(service.methods));
      },
      interceptors: [translateErrors(messageOf), authorizer.authentication(), validateRequests(), authorizer.authorization()],
    });
    this.#server = createServer(handler);
    this.#server.on("session", (session) => this.#sessions.add(session));
  }

  static async start(): Promise<GuardedPlane> {
    const plane = new GuardedPlane();
    await new Promise<void>((resolve) => plane.#server.listen(0, "127.0.0.1", resolve));
    return plane;
  }

  transport(headers: Readonly<Record<string, string>> = {}): Transport {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    return createConnectTransport({
      baseUrl: `http://127.0.0.1:${address.port}`,
      httpVersion: "2",
      interceptors: [
        (next) => async (request) => {
          for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
          return next(request);
        },
      ],
    });
  }

  as(token: string): Transport {
    return this.transport({ authorization: `Bearer ${token}` });
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #handlers(methods: readonly DescMethod[]): Partial<ServiceImpl<typeof EnvironmentService>> {
    const note = (method: DescMethod, caller: Principal | undefined): void => {
      this.handled.push(`${method.parent.typeName}/${method.name}`);
      this.callers.push(caller?.id);
    };
    return Object.fromEntries(
      methods.map((method) => [
        method.localName,
        method.methodKind === "unary"
          ? async (_request: unknown, context: { values: { get(key: typeof principalKey): Principal | undefined } }) => {
              note(method, context.values.get(principalKey));
              return method.name === "GetEnvironment" ? { environment: create(EnvironmentSchema) } : {};
            }
          : async function* (_request: unknown, context: { values: { get(key: typeof principalKey): Principal | undefined } }) {
              note(method, context.values.get(principalKey));
              yield create(WatchEventsResponseSchema, { resourceId: ownId, resourceType: ResourceType.ENVIRONMENT });
            },
      ]),
    );
  }
}

const open: GuardedPlane[] = [];

afterEach(async () => {
  for (const plane of open.splice(0)) await plane.close();
});

async function start(): Promise<GuardedPlane> {
  const plane = await GuardedPlane.start();
  open.push(plane);
  return plane;
}

async function failure(call: Promise<unknown>): Promise<ConnectError> {
  return call.then(
    () => new ConnectError("it was answered", Code.Unknown),
    (error: unknown) => ConnectError.from(error),
  );
}

async function callEmpty(transport: Transport, method: DescMethod): Promise<unknown> {
  if (method.methodKind === "unary")
    return transport.unary(method as DescMethodUnary, undefined, undefined, undefined, create(method.input));
  async function* one() {
    yield create(method.input);
  }
  const answer = await transport.stream(method as DescMethodServerStreaming, undefined, undefined, undefined, one());
  for await (const message of answer.message) return message;
  return undefined;
}

test("no method is served to anybody without a credential but those for signing in", { timeout: 30_000 }, async () => {
  const plane = await start();
  const transport = plane.transport();
  for (const service of authorizedServices) for (const method of service.methods) await failure(callEmpty(transport, method));
  expect(plane.handled.toSorted()).toEqual(["gitpod.v1.AccountService/ListLoginProviders", "gitpod.v1.IdentityService/ExchangeToken"]);
  expect(plane.lookUps).toEqual([]);
});

test("a credential that is not good is refused, and not taken for none", async () => {
  const plane = await start();
  const error = await failure(createClient(AccountService, plane.as("forged")).listLoginProviders({}));
  expect(error.code).toBe(Code.Unauthenticated);
  expect(plane.handled).toEqual([]);
});

test("one's own and what was shared is reached, and the handler knows who calls", async () => {
  const plane = await start();
  const client = createClient(EnvironmentService, plane.as("user"));
  await client.getEnvironment({ environmentId: ownId });
  await client.startEnvironment({ environmentId: sharedId });
  expect(plane.handled).toEqual(["gitpod.v1.EnvironmentService/GetEnvironment", "gitpod.v1.EnvironmentService/StartEnvironment"]);
  expect(plane.callers).toEqual([userId, userId]);
  expect((await failure(client.getEnvironment({ environmentId: colleaguesId }))).code).toBe(Code.PermissionDenied);
  expect((await failure(client.deleteEnvironment({ environmentId: sharedId }))).code).toBe(Code.PermissionDenied);
});

test("what is in another organization answers as what does not exist, after the same look-ups", async () => {
  const plane = await start();
  const client = createClient(EnvironmentService, plane.as("user"));
  const [foreign, unknown] = [
    await failure(client.getEnvironment({ environmentId: foreignId })),
    await failure(client.getEnvironment({ environmentId: unknownId })),
  ];
  expect(foreign.code).toBe(Code.NotFound);
  // But for the id, which is the caller's own.
  const plain = (error: ConnectError, id: string) => ({
    code: error.code,
    text: error.message.replace(id, "ID"),
    details: error.findDetails(ActionableErrorDetailsSchema).map((details) => JSON.stringify(details).replaceAll(id, "ID")),
  });
  expect(plain(foreign, foreignId)).toEqual(plain(unknown, unknownId));
  expect(plane.lookUps.map((references) => references.length)).toEqual([1, 1]);
  expect(plane.handled).toEqual([]);
});

test("who may not call a method on anything causes no look-up", async () => {
  const plane = await start();
  const client = createClient(SecretService, plane.as("user"));
  expect((await failure(client.getSecretValue({ secretId: foreignId }))).code).toBe(Code.PermissionDenied);
  expect(plane.lookUps).toEqual([]);
});

test("a stream is decided by its first message, which still arrives", async () => {
  const plane = await start();
  const client = createClient(EventService, plane.as("user"));
  const watch = async (environmentId: string): Promise<string> => {
    for await (const { resourceId } of client.watchEvents({ scope: { case: "environmentId", value: environmentId } })) return resourceId;
    return "";
  };
  expect(await watch(ownId)).toBe(ownId);
  expect((await failure(watch(foreignId))).code).toBe(Code.NotFound);
  expect(plane.handled).toEqual(["gitpod.v1.EventService/WatchEvents"]);
});

test("each of many targets counts, also in lists and deep in a request", async () => {
  const plane = await start();
  const projects = createClient(ProjectService, plane.as("user"));
  expect((await failure(projects.deleteProjects({ projectIds: [ownId, foreignId] }))).code).toBe(Code.NotFound);
  await projects.deleteProjects({ projectIds: [ownId, ownId] });
  const environments = createClient(EnvironmentService, plane.as("user"));
  const withSecret = (id: string) => environments.createEnvironment({ spec: { machine: { class: sharedId }, secrets: [{ id }] } });
  expect((await failure(withSecret(colleaguesId))).code).toBe(Code.PermissionDenied);
  await withSecret(ownId);
  const groups = createClient(GroupService, plane.as("user"));
  const share = (principalId: string) =>
    groups.shareResourceWithPrincipal({
      resourceType: ResourceType.ENVIRONMENT,
      resourceId: ownId,
      principal: ApiPrincipal.USER,
      principalId,
      role: 10,
    });
  expect((await failure(share(foreignId))).code).toBe(Code.NotFound);
  await share(userId);
  expect(plane.lookUps.at(-1)).toEqual([
    { kind: "environment", id: ownId },
    { kind: "principal", id: userId },
  ]);
});

test("a scope that is one of several kinds is looked at as what it is", async () => {
  const plane = await start();
  const secrets = createClient(SecretService, plane.as("user"));
  const put = (scope: { case: "userId" | "organizationId" | "projectId"; value: string }) =>
    secrets.createSecret({ name: "TOKEN", value: "x", scope: { scope }, mount: { case: "environmentVariable", value: true } });
  await put({ case: "userId", value: userId });
  expect((await failure(put({ case: "userId", value: colleaguesId }))).code).toBe(Code.PermissionDenied);
  expect((await failure(put({ case: "organizationId", value: organizationId }))).code).toBe(Code.PermissionDenied);
  expect((await failure(put({ case: "projectId", value: foreignId }))).code).toBe(Code.NotFound);
});

test("methods that an environment serves are about the environment whose address was called", async () => {
  const plane = await start();
  const call = (token: string, endpoint?: string) =>
    createClient(
      EnvironmentOpsService,
      plane.transport({ authorization: `Bearer ${token}`, ...(endpoint === undefined ? {} : { "x-endpoint": endpoint }) }),
    ).listTerminals({});
  await call("environment", ownId);
  await call("user", ownId);
  expect((await failure(call("environment", sharedId))).code).toBe(Code.PermissionDenied);
  expect((await failure(call("user"))).code).toBe(Code.NotFound);
});

test("an id that is none is not asked for and does not exist", async () => {
  const plane = await start();
  const environments = createClient(EnvironmentService, plane.as("user"));
  const error = await failure(environments.createEnvironment({ spec: { machine: { class: "'; DROP TABLE records" } } }));
  expect(error.code).toBe(Code.NotFound);
  expect(plane.lookUps).toEqual([]);
});
