import { Code, ConnectError } from "@connectrpc/connect";
import { createServer, type Server } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { EnvironmentService } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { sqliteDatabases } from "../store/databases.ts";
import { createAdmin, PlaneProcess } from "./plane-process.ts";

const attribute = z.object({ key: z.string(), value: z.object({ stringValue: z.string().optional() }) });
const span = z.object({
  name: z.string(),
  traceId: z.string(),
  parentSpanId: z.string().optional(),
  kind: z.number(),
  attributes: z.array(attribute),
  status: z.object({ code: z.number() }),
});
const request = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(attribute) }),
      scopeSpans: z.array(z.object({ spans: z.array(span) })),
    }),
  ),
});
const serverKind = 2;
const method = "gitpod.v1.EnvironmentService/ListEnvironments";

/** What a collector does with OTLP over HTTP (https://opentelemetry.io/docs/specs/otlp/#otlphttp). */
class Collector {
  readonly received: z.infer<typeof request>[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((incoming, response) => {
      let text = "";
      incoming.setEncoding("utf8").on("data", (part: string) => (text += part));
      incoming.on("end", () => {
        if (incoming.method === "POST" && incoming.url === "/v1/traces") this.received.push(request.parse(JSON.parse(text)));
        response.writeHead(200, { "content-type": "application/json" }).end("{}");
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const address = this.#server.address();
    return `http://127.0.0.1:${address === null || typeof address === "string" ? 0 : address.port}`;
  }

  get spans(): z.infer<typeof span>[] {
    return this.received.flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    );
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

const databases = sqliteDatabases();
const folder = mkdtempSync(join(tmpdir(), "berth-tracing-"));
let database: Parameters<typeof createAdmin>[0];
let token: string;

beforeAll(async () => {
  await databases.start();
  database = { databaseUrl: await databases.make(), keyFile: join(folder, "key") };
  ({ token } = await createAdmin(database));
});

afterAll(async () => {
  await databases.stop();
  rmSync(folder, { recursive: true });
});

test("a collector gets a span of each call, on its caller's trace, and none that tells who called", async () => {
  const collector = new Collector();
  const plane = await PlaneProcess.start(database, "--otlp-endpoint", await collector.listen());
  const environments = plane.client(EnvironmentService, token);
  const [traceId, parentSpanId] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];
  await environments.listEnvironments({}, { headers: { traceparent: `00-${traceId}-${parentSpanId}-01` } });
  await expect(environments.getEnvironment({ environmentId: "018f0000-0000-7000-8000-000000000000" })).rejects.toThrow();
  const strange = plane.client(EnvironmentService).listEnvironments({});
  await expect(strange.catch((error: unknown) => ConnectError.from(error).code)).resolves.toBe(Code.Unauthenticated);
  // What waits is sent before the process ends.
  expect(await plane.stop()).toBe(0);

  const [known, missing, refused] = collector.spans;
  expect(known).toMatchObject({ name: method, traceId, parentSpanId, kind: serverKind });
  expect(valueOf(known, "rpc.system.name")).toBe("connectrpc");
  expect(valueOf(known, "rpc.method")).toBe(method);
  expect(valueOf(known, "rpc.response.status_code")).toBeUndefined();
  expect(valueOf(missing, "rpc.response.status_code")).toBe("not_found");
  // The caller's mistake.
  expect(missing?.status.code).toBe(0);
  expect(missing?.parentSpanId ?? "").toBe("");
  expect(valueOf(refused, "rpc.response.status_code")).toBe("unauthenticated");
  const [{ resourceSpans: [of] = [] } = { resourceSpans: [] }] = collector.received;
  expect(of?.resource.attributes.find(({ key }) => key === "service.name")?.value.stringValue).toBe("berth-plane");
  expect(JSON.stringify(collector.received)).not.toContain(token);
  expect(JSON.stringify(collector.received)).not.toContain("ada@example.com");
  await collector.stop();
});

test("of calls without a trace as many are recorded as was asked for", async () => {
  const collector = new Collector();
  const plane = await PlaneProcess.start(database, "--otlp-endpoint", await collector.listen(), "--trace-share", "0");
  await plane.client(EnvironmentService, token).listEnvironments({});
  expect(await plane.stop()).toBe(0);
  expect(collector.spans).toEqual([]);
  await collector.stop();
});

test("calls are answered while the collector is away, which is said once", async () => {
  const collector = new Collector();
  const endpoint = await collector.listen();
  await collector.stop();
  const plane = await PlaneProcess.start(database, "--otlp-endpoint", endpoint);
  const environments = plane.client(EnvironmentService, token);
  await environments.listEnvironments({});
  const told = (): readonly string[] => plane.lines.filter((line) => line.includes("traces are not taken by their collector"));
  await vi.waitFor(() => expect(told()).toHaveLength(1), { timeout: 30_000 });
  await environments.listEnvironments({});
  expect(await plane.stop()).toBe(0);
  expect(told()).toHaveLength(1);
});

test.each([
  ["--otlp-endpoint", "collector:4318"],
  ["--trace-share", "2"],
])("%s %s is refused", async (flag, value) => {
  const refused = PlaneProcess.start(database, flag, value);
  await expect(refused).rejects.toThrow(flag);
});

function valueOf(of: z.infer<typeof span> | undefined, key: string): string | undefined {
  return of?.attributes.find((one) => one.key === key)?.value.stringValue;
}
