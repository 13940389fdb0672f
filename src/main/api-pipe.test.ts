import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import { forwardCall } from "./api-pipe.ts";
import { HostConnection } from "./host-connection.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-pipe-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, "api.sock");
let server: Http2Server;
let sockets: Socket[] = [];
let onStream: (stream: ServerHttp2Stream, headers: Record<string, unknown>) => void;
let connection: HostConnection;

beforeEach(async () => {
  server = createServer();
  sockets = [];
  server.on("connection", (socket: Socket) => void sockets.push(socket));
  server.on("stream", (stream, headers) => onStream(stream, headers));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  connection = new HostConnection(path);
  await connection.open();
});
afterEach(() => {
  connection.close();
  server.close();
  rmSync(path, { force: true });
});

function call(init: RequestInit = {}): Request {
  return new Request("app://berth/gitpod.v1.EnvironmentService/ListEnvironments", { method: "POST", body: "{}", ...init });
}

test("a call reaches the host without what is only the window's, and its answer comes back", async () => {
  let seen: Record<string, unknown> = {};
  let body = "";
  onStream = (stream, headers) => {
    seen = headers;
    stream.on("data", (chunk: Buffer) => (body += chunk.toString()));
    stream.on("end", () => {
      stream.respond({ ":status": 200, "content-type": "application/json", "set-cookie": ["a=b"] });
      stream.end("[1]");
    });
  };
  const answer = await forwardCall(
    connection,
    call({ headers: { origin: "app://berth", cookie: "secret=1", "connect-timeout-ms": "100", "content-type": "application/json" } }),
  );
  expect(await answer.json()).toEqual([1]);
  expect(body).toBe("{}");
  expect(seen).toMatchObject({ ":path": "/gitpod.v1.EnvironmentService/ListEnvironments", "connect-timeout-ms": "100" });
  expect(Object.keys(seen)).not.toEqual(expect.arrayContaining(["cookie"]));
  expect(seen["origin"]).toBeUndefined();
  expect(answer.headers.get("set-cookie")).toBeNull();
});

test("another origin's call does not reach the host", async () => {
  onStream = vi.fn();
  const answer = await forwardCall(connection, call({ headers: { origin: "https://evil.test" } }));
  expect(answer.status).toBe(403);
  expect(onStream).not.toHaveBeenCalled();
});

test("a stream arrives as it is sent, and the host hears that the window gave it up", async () => {
  const ended = Promise.withResolvers<number>();
  onStream = (stream) => {
    stream.respond({ ":status": 200 });
    stream.write("one");
    stream.on("close", () => ended.resolve(stream.rstCode));
  };
  const answer = await forwardCall(connection, call());
  const reader = answer.body?.getReader();
  expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe("one");
  await reader?.cancel();
  expect(await ended.promise).toBe(8);
});

test("an aborted request ends at the host", async () => {
  const ended = Promise.withResolvers<number>();
  const begun = Promise.withResolvers<void>();
  onStream = (stream) => {
    stream.on("error", () => undefined);
    stream.on("close", () => ended.resolve(stream.rstCode));
    begun.resolve();
  };
  const abort = new AbortController();
  const answer = forwardCall(connection, call({ signal: abort.signal }));
  await begun.promise;
  abort.abort();
  expect(await ended.promise).toBe(8);
  expect((await answer).status).toBe(503);
});

test("a window that reads slowly makes the host wait instead of filling memory", async () => {
  let sent = 0;
  onStream = (stream) => {
    stream.respond({ ":status": 200 });
    const chunk = Buffer.alloc(64 * 1024);
    const more = (): void => {
      while (sent < 500 && stream.write(chunk)) sent++;
      if (sent < 500) stream.once("drain", more);
    };
    stream.on("error", () => undefined);
    more();
  };
  const answer = await forwardCall(connection, call());
  const reader = answer.body?.getReader();
  await reader?.read();
  // Long enough for all 32 MB to arrive, did nobody hold them back.
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(sent).toBeLessThan(100);
  await reader?.cancel();
});

test("a host that ends in the middle is an error, not an end", async () => {
  onStream = (stream) => {
    stream.respond({ ":status": 200 });
    stream.write("one");
    setTimeout(() => sockets.forEach((socket) => socket.destroy()), 20);
  };
  const answer = await forwardCall(connection, call());
  await expect(answer.text()).rejects.toThrow();
});

test("without a host a call says so in the API's own words", async () => {
  connection.close();
  const answer = await forwardCall(connection, call());
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ code: "unavailable" });
});
