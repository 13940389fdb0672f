import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EventService } from "../../../src/contract/gen/gitpod/v1/event_pb.js";
import { ProjectService } from "../../../src/contract/gen/gitpod/v1/project_pb.js";
import { UserService } from "../../../src/contract/gen/gitpod/v1/user_pb.js";
import { HaProxy } from "../../support/haproxy.ts";
import { sqliteDatabases } from "../store/databases.ts";
import { newMember } from "./people.ts";
import { createAdmin, PlaneProcess } from "./plane-process.ts";
import { makeCertificate } from "../../support/certificate.ts";

const clientCount = 40;
/** In all more than Node lets a connection be reset at once. */
const callsOfEach = 40;
const limitMs = 30_000;

let folder: string;
let plane: PlaneProcess;
let proxy: HaProxy;
let ca: Buffer;
let tokens: readonly string[];
let adminToken: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "berth-haproxy-"));
  const tls = makeCertificate(folder);
  ca = readFileSync(tls.certFile);
  const database = { databaseUrl: join(folder, "berth.db"), keyFile: join(folder, "plane.key") };
  const { organizationId, token } = await createAdmin(database);
  adminToken = token;
  const store = await sqliteDatabases().open(database.databaseUrl);
  // Each may ask so much a second.
  tokens = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(async (n) => (await newMember(store, organizationId, `Member ${n}`)).token));
  await store.close();
  plane = await PlaneProcess.start(database);
  proxy = await HaProxy.start({ folder, tls, ports: [plane.port] });
}, 60_000);
afterAll(async () => {
  proxy.stop();
  await plane.stop();
  rmSync(folder, { recursive: true });
});

/** Each has a connection of its own to the proxy. */
const connection = () => createConnectTransport({ baseUrl: proxy.url, httpVersion: "2", nodeOptions: { ca } });
const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

test("behind HAProxy, which brings the calls of all over few connections, open streams last while others ask and are answered", async () => {
  const ended = new AbortController();
  const heard: string[][] = [];
  const failures: unknown[] = [];
  const connections = Array.from({ length: clientCount }, connection);
  for (const transport of connections) {
    const own: string[] = [];
    heard.push(own);
    const watch = async (): Promise<void> => {
      const scope = { case: "organization", value: true } as const;
      const events = createClient(EventService, transport).watchEvents({ scope }, { ...as(adminToken), signal: ended.signal });
      for await (const { resourceId } of events) own.push(resourceId);
      failures.push("the stream ended");
    };
    watch().catch((error: unknown) => ended.signal.aborted || failures.push(error));
  }
  const metric = async (): Promise<string> => (await plane.get("/metrics")).text;
  await expect.poll(metric, { timeout: limitMs }).toMatch(new RegExp(`^berth_plane_open_streams ${clientCount}$`, "m"));
  await Promise.all(
    connections.map(async (transport, n) => {
      const [client, who] = [createClient(UserService, transport), as(tokens[n % tokens.length] ?? "")];
      for (let call = 0; call < callsOfEach; call++) await client.setPreference({ key: "theme", value: String(call) }, who);
    }),
  );
  expect(failures).toEqual([]);
  const { project } = await createClient(ProjectService, connection()).createProject(
    {
      name: "seen by all",
      initializer: { specs: [{ spec: { case: "contextUrl", value: { url: "https://github.com/o/r" } } }] },
    },
    as(adminToken),
  );
  const hearers = (): number => heard.filter((ids) => ids.includes(project?.id ?? "")).length;
  await expect.poll(hearers, { timeout: limitMs }).toBe(clientCount);
  expect(failures).toEqual([]);
  ended.abort();
});
