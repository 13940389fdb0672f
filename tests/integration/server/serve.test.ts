import { create } from "@bufbuild/protobuf";
import { Code, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { type ClientHttp2Session, connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { EditorService } from "../../../src/contract/gen/gitpod/v1/editor_pb.js";
import { EnvironmentSchema, EnvironmentService } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { EventService, ResourceOperation, ResourceType } from "../../../src/contract/gen/gitpod/v1/event_pb.js";
import { IdentityService, Principal } from "../../../src/contract/gen/gitpod/v1/identity_pb.js";
import { SecretService } from "../../../src/contract/gen/gitpod/v1/secret_pb.js";
import { accessTokenKind } from "../../../src/plane/store/identity-kinds.ts";
import { environmentKind } from "../../../src/plane/store/kinds.ts";
import { type Databases, postgresDatabases, sqliteDatabases } from "../store/databases.ts";
import { createAdmin, type DatabaseFlags, main, PlaneProcess, runPlane } from "./plane-process.ts";
import { makeCertificate } from "../../support/certificate.ts";

const unknownToken = `berth_pat_${"A".repeat(43)}`;

/** A computer that does other work beside takes its time to open a stream. */
const streamLimitMs = 20_000;

let folder: string;
let running: PlaneProcess[] = [];

beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "berth-server-"))));
afterEach(async () => {
  await Promise.all(running.map(async (plane) => plane.stop()));
  running = [];
  rmSync(folder, { recursive: true });
});

async function flagsOn(databases: Databases): Promise<DatabaseFlags> {
  return { databaseUrl: await databases.make(), keyFile: join(folder, "keys", "plane.key") };
}

async function start(database: DatabaseFlags, ...flags: string[]): Promise<PlaneProcess> {
  const plane = await PlaneProcess.start(database, ...flags);
  running.push(plane);
  return plane;
}

async function codeOf(call: Promise<unknown>): Promise<Code | undefined> {
  return call.then(
    () => undefined,
    (error: { code: Code }) => error.code,
  );
}

describe.each([sqliteDatabases(), postgresDatabases()])("a server on $name", (databases) => {
  let database: DatabaseFlags;
  beforeAll(async () => databases.start());
  afterAll(async () => databases.stop());
  beforeEach(async () => void (database = await flagsOn(databases)));

  test("answers who has a token, in binary and in JSON, and nobody else", async () => {
    const { token, userId, organizationId } = await createAdmin(database);
    const plane = await start(database);
    const identity = await plane.client(IdentityService, token).getAuthenticatedIdentity({});
    expect(identity).toMatchObject({ organizationId, subject: { id: userId, principal: Principal.USER } });
    const json = await fetch(`${plane.baseUrl}/gitpod.v1.IdentityService/GetAuthenticatedIdentity`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: "{}",
    });
    expect(await json.json()).toMatchObject({ organizationId, subject: { principal: "PRINCIPAL_USER" } });
    for (const wrong of [undefined, unknownToken, `${token}x`, token.slice(0, -1), "' OR 1=1 --"]) {
      expect(await codeOf(plane.client(IdentityService, wrong).getAuthenticatedIdentity({})), wrong).toBe(Code.Unauthenticated);
      // Not even what is not built is told to strangers.
      expect(await codeOf(plane.client(IdentityService, wrong).getIDToken({ audience: ["x"] })), wrong).toBe(Code.Unauthenticated);
    }
  });

  test("the database holds no token in clear, and a restart forgets nobody", async () => {
    const { token } = await createAdmin(database);
    const first = await start(database);
    await first
      .client(SecretService, token)
      .createSecret({ name: "API_KEY", value: "v", mount: { case: "environmentVariable", value: true } });
    expect(await first.stop()).toBe(0);
    const second = await start(database);
    const { secrets } = await second.client(SecretService, token).listSecrets({});
    expect(secrets.map(({ name }) => name)).toEqual(["API_KEY"]);
    const store = await databases.open(database.databaseUrl);
    const [kept] = await store.system("housekeeping").all(accessTokenKind);
    expect(JSON.stringify(kept?.message, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value))).not.toContain(
      token.slice("berth_pat_".length),
    );
    expect(kept?.message.token.value?.lastUsed).toBeDefined();
    await store.close();
  });

  test("says that it lives, that it is ready, and what it does", async () => {
    const plane = await start(database);
    expect(await plane.get("/healthz")).toEqual({ status: 200, text: "ok\n" });
    expect(await plane.get("/readyz")).toEqual({ status: 200, text: "ready\n" });
    await codeOf(plane.client(EditorService).listEditors({}));
    const { text } = await plane.get("/metrics");
    expect(text).toContain('berth_plane_requests_total{method="gitpod.v1.EditorService/ListEditors",code="Unauthenticated"} 1');
    expect(text).toMatch(/^process_cpu_user_seconds_total /m);
    expect((await plane.get("/other")).status).toBe(404);
  });

  test("counts who watches by lines, as the SDK does, like any other", async () => {
    const { token } = await createAdmin(database);
    const plane = await start(database);
    const leaving = new AbortController();
    const watch = async (bearer: string): Promise<Response> =>
      fetch(`${plane.baseUrl}/gitpod.v1.EventService/WatchEvents`, {
        method: "POST",
        headers: { accept: "application/jsonl", "content-type": "application/json", authorization: `Bearer ${bearer}` },
        body: JSON.stringify({ organization: true }),
        signal: leaving.signal,
      });
    const metrics = async (): Promise<string> => (await plane.get("/metrics")).text;
    expect((await watch("nobody")).status).toBe(401);
    expect((await watch(token)).status).toBe(200);
    await expect.poll(metrics).toMatch(/^berth_plane_open_streams 1$/m);
    const counted = (code: string): string => `berth_plane_requests_total{method="gitpod.v1.EventService/WatchEvents",code="${code}"} 1`;
    expect(await metrics()).toContain(counted("Unauthenticated"));
    leaving.abort();
    await expect.poll(metrics).toContain(counted("ok"));
    expect(await metrics()).toMatch(/^berth_plane_open_streams 0$/m);
  });

  test("SIGTERM ends streams, lets a call finish, refuses new ones, and ends with success", async () => {
    const { token } = await createAdmin(database);
    const plane = await start(database, "--drain-delay-seconds", "1");
    const events = plane.client(EventService, token).watchEvents({ scope: { case: "organization", value: true } });
    const ended = (async () => {
      for await (const event of events) expect(event).toBeUndefined();
    })();
    await expect.poll(async () => (await plane.get("/metrics")).text, { timeout: streamLimitMs }).toMatch(/^berth_plane_open_streams 1$/m);
    plane.signal("SIGTERM");
    await ended;
    await expect.poll(async () => (await plane.get("/readyz")).status).toBe(503);
    // Still answered while whoever sends requests finds out.
    expect(await codeOf(plane.client(EditorService, token).listEditors({}))).toBeUndefined();
    expect(await plane.ended()).toBe(0);
    await expect(plane.get("/healthz")).rejects.toThrow();
  });

  test("a message that is too large is refused, and one that is no message", async () => {
    const { token } = await createAdmin(database);
    const plane = await start(database);
    const send = async (body: string, type: string): Promise<number> => {
      const headers = { "content-type": type, authorization: `Bearer ${token}` };
      return (await fetch(`${plane.baseUrl}/gitpod.v1.SecretService/CreateSecret`, { method: "POST", headers, body })).status;
    };
    expect(await send(JSON.stringify({ name: "A", value: "x".repeat(5 * 1024 * 1024) }), "application/json")).toBe(429);
    expect(await send("{", "application/json")).toBe(400);
    expect(await send('"\ud800"', "application/json")).toBe(400);
    expect(await send("{}", "text/plain")).toBe(415);
  });

  test("who asks too much is slowed down, and others are not", async () => {
    const { token } = await createAdmin(database);
    const plane = await start(database);
    const strangers = plane.client(EditorService);
    const codes = await Promise.all(Array.from({ length: 100 }, async () => codeOf(strangers.listEditors({}))));
    expect(new Set(codes)).toEqual(new Set([Code.Unauthenticated, Code.ResourceExhausted]));
    expect(await codeOf(plane.client(EditorService, token).listEditors({}))).toBeUndefined();
  });

  test("the key is changed while a server runs, and the old one is not needed any more", async () => {
    const { token } = await createAdmin(database);
    const first = await start(database);
    const secrets = first.client(SecretService, token);
    for (const name of ["ONE", "TWO"])
      await secrets.createSecret({ name, value: "v", mount: { case: "environmentVariable", value: true } });
    const newKey = { ...database, keyFile: join(folder, "new.key") };
    expect(() => runPlane("reseal", newKey)).toThrow(/sealed with another key/);
    expect(JSON.parse(runPlane("reseal", newKey, "--old-key-files", database.keyFile))).toEqual({ resealed: 3 });
    expect(JSON.parse(runPlane("reseal", newKey))).toEqual({ resealed: 0 });
    const second = await start(newKey);
    await second
      .client(SecretService, token)
      .createSecret({ name: "THREE", value: "v", mount: { case: "environmentVariable", value: true } });
    expect(JSON.parse(runPlane("reseal", newKey))).toEqual({ resealed: 0 });
    await expect(start(database)).rejects.toThrow(/sealed with another key/);
  });

  test("a second administrator is not made, and another key is refused", async () => {
    await createAdmin(database);
    await expect(createAdmin(database)).rejects.toThrow(/has an organization already/);
    const otherKey = { ...database, keyFile: join(folder, "other.key") };
    await expect(start(otherKey)).rejects.toThrow(/sealed with another key/);
    expect(statSync(database.keyFile).mode & 0o777).toBe(0o600);
    chmodSync(database.keyFile, 0o644);
    await expect(start(database)).rejects.toThrow(/others may read/);
  });
});

describe("several servers on one PostgreSQL", () => {
  const databases = postgresDatabases();
  beforeAll(async () => databases.start());
  afterAll(async () => databases.stop());

  test("a change that is made through one is told by the other", async () => {
    const database = await flagsOn(databases);
    const { token, organizationId, userId } = await createAdmin(database);
    const [one, other] = await Promise.all([start(database), start(database)]);
    const aborted = new AbortController();
    const told: unknown[] = [];
    const watch = (async () => {
      const events = other
        .client(EventService, token)
        .watchEvents({ scope: { case: "organization", value: true } }, { signal: aborted.signal });
      for await (const { operation, resourceType, resourceId } of events) told.push({ operation, resourceType, resourceId });
    })();
    watch.catch(() => undefined);
    await expect.poll(async () => (await other.get("/metrics")).text, { timeout: streamLimitMs }).toMatch(/^berth_plane_open_streams 1$/m);
    const id = "018f0000-0000-7000-8000-000000000001";
    const store = await databases.open(database.databaseUrl);
    const environment = create(EnvironmentSchema, { id, metadata: { organizationId, name: "e", creator: { id: userId } }, spec: {} });
    await store.inOrganization(organizationId).transaction(async (tx) => tx.insert(environmentKind, id, environment));
    await store.close();
    await one.client(EnvironmentService, token).updateEnvironment({ environmentId: id, metadata: { name: "renamed" } });
    const about = { resourceType: ResourceType.ENVIRONMENT, resourceId: id };
    await expect
      .poll(() => told)
      .toEqual([
        { operation: ResourceOperation.CREATE, ...about },
        { operation: ResourceOperation.UPDATE, ...about },
      ]);
    const { environment: seen } = await other.client(EnvironmentService, token).getEnvironment({ environmentId: id });
    expect(seen?.metadata?.name).toBe("renamed");
    aborted.abort();
  });
});

/** A page by HTTP/2. */
async function textOf(session: ClientHttp2Session, path: string): Promise<string> {
  const stream = session.request({ ":path": path });
  let text = "";
  for await (const part of stream.setEncoding("utf8")) text += String(part);
  return text;
}

test("with a certificate it speaks TLS, HTTP/2 and HTTP/1.1", async () => {
  const { certFile, keyFile } = makeCertificate(folder);
  const database = { databaseUrl: join(folder, "berth.db"), keyFile: join(folder, "plane.key") };
  const { token } = await createAdmin(database);
  const plane = await start(database, "--tls-cert", certFile, "--tls-key", keyFile, "--public-url", "https://plane.example.com");
  for (const httpVersion of ["1.1", "2"] as const) {
    const transport = createConnectTransport({
      baseUrl: `https://localhost:${plane.port}`,
      httpVersion,
      nodeOptions: { rejectUnauthorized: false },
    });
    const { editors } = await createClient(EditorService, transport).listEditors({}, { headers: { authorization: `Bearer ${token}` } });
    expect(editors.length).toBeGreaterThan(3);
  }
  const session = connect(`https://localhost:${plane.port}`, { rejectUnauthorized: false });
  expect(await textOf(session, "/auth/sign-in")).toContain("Your e-mail address at work");
  const discovery: unknown = JSON.parse(await textOf(session, "/oauth/.well-known/openid-configuration"));
  expect(discovery).toMatchObject({ issuer: "https://plane.example.com/oauth" });
  session.close();
  await expect(plane.get("/healthz")).rejects.toThrow();
});

test("behind a proxy those who watch by JSON lines are told apart by the address that it gives", async () => {
  const database = { databaseUrl: join(folder, "berth.db"), keyFile: join(folder, "plane.key") };
  const plane = await start(database, "--client-address-header", "x-forwarded-for");
  const watch = async (address: string): Promise<number> => {
    const headers = { accept: "application/jsonl", "content-type": "application/json", "x-forwarded-for": address };
    const answered = await fetch(`${plane.baseUrl}/gitpod.v1.EventService/WatchEvents`, { method: "POST", headers, body: "{}" });
    await answered.text();
    return answered.status;
  };
  const ofMany = await Promise.all(Array.from({ length: 200 }, async (_, n) => watch(`192.0.2.${n % 40}`)));
  expect(new Set(ofMany)).toEqual(new Set([401]));
  const ofOne = await Promise.all(Array.from({ length: 200 }, async () => watch("192.0.2.200")));
  expect(new Set(ofOne)).toEqual(new Set([401, 429]));
});

test.each([
  [[], "--database-url is missing"],
  [["--database-url", "x.db"], "--key-file is missing"],
  [["--database-url", "x.db", "--key-file", "k", "--listen", "nowhere"], "no HOST:PORT"],
  [["--database-url", "x.db", "--key-file", "k", "--tls-cert", "c"], "go together"],
  [["--database-url", "x.db", "--key-file", "k", "--public-url", "http://plane.example.com"], "--public-url"],
  [["--database-url", "x.db", "--key-file", "k", "--public-url", "https://plane.example.com/berth"], "--public-url"],
  [["--database-url", "x.db", "--key-file", "k", "--provider-networks", "all"], "--provider-networks"],
  [["--database-url", "x.db", "--key-file", "k", "--dns-servers", "dns.example.com"], "--dns-servers"],
  [["--database-url", "x.db", "--key-file", "k", "--session-hours", "9"], "sessionHours"],
  [["--database-url", "x.db", "--key-file", "k", "--drain-limit-seconds", "soon"], "drainLimitSeconds"],
])("flags that are wrong are named: %j", (flags, sentence) => {
  const run = (): unknown => execFileSync(process.execPath, [main, "serve", ...flags], { cwd: folder, stdio: "pipe" });
  expect(run).toThrow(new RegExp(sentence));
});

test("a SQLite database is copied while it is in use, and the copy serves", async () => {
  const database = { databaseUrl: join(folder, "berth.db"), keyFile: join(folder, "plane.key") };
  const { token, userId } = await createAdmin(database);
  await start(database);
  const copy = join(folder, "copy.db");
  execFileSync(process.execPath, [main, "backup", database.databaseUrl, copy]);
  expect(() => execFileSync(process.execPath, [main, "backup", database.databaseUrl, copy], { stdio: "pipe" })).toThrow(/is there already/);
  const plane = await start({ ...database, databaseUrl: copy });
  expect((await plane.client(IdentityService, token).getAuthenticatedIdentity({})).subject?.id).toBe(userId);
});
