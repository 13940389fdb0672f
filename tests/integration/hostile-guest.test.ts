import { createClient, type Client, Code, ConnectError } from "@connectrpc/connect";
import { randomBytes } from "node:crypto";
import { createServer, type ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { wirePair } from "../../src/lib/wire-pair.ts";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { AgentService } from "../../src/contract/gen/berth/v1/agent_pb.js";
import { type AgentConnection, connectAgent } from "../../src/lib/agent-transport.ts";
import { linkKeyBytes, serveLink } from "../../src/lib/link.ts";

/** A guest is not trusted: whatever it sends, calls to it end and memory stays bounded (S31). */
const key = randomBytes(linkKeyBytes);
const limits = { pingTimeoutMs: 300, pingIntervalMs: 100, callTimeoutMs: 500 };
/** For what is tried many times. */
const shortLimits = { pingTimeoutMs: 40, pingIntervalMs: 10, callTimeoutMs: 100 };
/** For guests that answer, where a loaded computer must not be what ends a call. */
const patientLimits = { pingTimeoutMs: 20_000, pingIntervalMs: 100, callTimeoutMs: 20_000 };
const openTimeoutMs = 10_000;
/** What a test may hold on to for a guest that sends without end: its windows and one message, generously. */
const maxGrowthBytes = 96 * 1024 * 1024;
const open: AgentConnection[] = [];

afterEach(() => open.splice(0).forEach((connection) => connection.close()));

/** A connection to a guest that does as told once the host has opened its session. */
async function hostile(
  onSession: (session: Duplex) => void,
  agentLimits = limits,
): Promise<{ client: Client<typeof AgentService>; connection: AgentConnection }> {
  const [hostWire, guestWire] = wirePair();
  guestWire.on("error", () => undefined);
  serveLink(guestWire, key, onSession);
  const connection = await connectAgent(hostWire, key, AbortSignal.timeout(openTimeoutMs), agentLimits);
  open.push(connection);
  return { client: createClient(AgentService, connection.transport), connection };
}

/** A guest that speaks HTTP/2 well and answers every call as told. */
async function answering(answer: (stream: ServerHttp2Stream) => void, agentLimits = patientLimits) {
  const server = createServer();
  server.on("session", (session) => session.on("error", () => undefined));
  server.on("sessionError", () => undefined);
  server.on("stream", (stream) => {
    stream.on("error", () => undefined);
    stream.resume();
    answer(stream);
  });
  return hostile((session) => server.emit("connection", session), agentLimits);
}

const unary = { ":status": 200, "content-type": "application/proto" };
const streaming = { ":status": 200, "content-type": "application/connect+proto" };

async function failure(call: Promise<unknown>): Promise<ConnectError> {
  return call.then(
    () => {
      throw new Error("the call succeeded");
    },
    (error: unknown) => ConnectError.from(error),
  );
}

async function watch(client: Client<typeof AgentService>): Promise<number> {
  let seen = 0;
  for await (const _change of client.watchEnvironments({})) seen++;
  return seen;
}

/** Writes the chunk again and again for as long as it is taken, as a guest on a wire would: in turns with its reader. Tells how much. */
function flood(stream: Duplex, chunk: Buffer): { bytes: number } {
  const sent = { bytes: 0 };
  const more = (): void => {
    if (stream.destroyed) return;
    sent.bytes += chunk.length;
    if (stream.write(chunk)) setImmediate(more);
    else stream.once("drain", () => setImmediate(more));
  };
  more();
  return sent;
}

function frame(length: number, type: number, flags: number, streamId: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, body]);
}

const settingsFrame = frame(0, 4, 0, 0);

test.each([
  ["says nothing", () => undefined],
  ["sends noise", (session: Duplex) => session.write(randomBytes(4096))],
  ["announces a frame of 16 MiB", (session: Duplex) => session.write(Buffer.concat([settingsFrame, frame(0xffffff, 0, 0, 1)]))],
  [
    "answers a call that was not made",
    (session: Duplex) => session.write(Buffer.concat([settingsFrame, frame(4, 0, 0, 99, randomBytes(4))])),
  ],
  ["hangs up", (session: Duplex) => session.end()],
  ["floods with noise", (session: Duplex) => flood(session, randomBytes(65_536))],
  ["floods with settings", (session: Duplex) => flood(session, Buffer.concat(Array.from({ length: 1000 }, () => settingsFrame)))],
  [
    "floods with pings",
    (session: Duplex) =>
      flood(session, Buffer.concat([settingsFrame, ...Array.from({ length: 1000 }, () => frame(8, 6, 0, 0, Buffer.alloc(8)))])),
  ],
])("a call to a guest that %s fails, and the connection ends", async (_what, behave) => {
  const before = process.memoryUsage().rss;
  const { client, connection } = await hostile(behave);
  await failure(client.hello({}));
  await failure(watch(client));
  expect(await connection.closed).not.toBe("");
  expect(process.memoryUsage().rss - before).toBeLessThan(maxGrowthBytes);
});

test("a call that was given more time than the usual has it", async () => {
  const late = (stream: ServerHttp2Stream): void =>
    void setTimeout(() => {
      if (stream.destroyed) return;
      stream.respond(unary);
      stream.end();
    }, limits.callTimeoutMs * 2);
  const { client } = await answering(late, limits);
  await expect(client.getUsage({}, { timeoutMs: openTimeoutMs * 5 })).resolves.toBeDefined();
  expect((await failure(client.getUsage({}))).code).toBe(Code.DeadlineExceeded);
});

test("whatever bytes a guest sends, calls end and nothing else breaks", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }), fc.boolean(), async (chunks, polite) => {
      const { client } = await hostile((session) => {
        if (polite) session.write(settingsFrame);
        for (const chunk of chunks) session.write(Buffer.from(chunk));
        session.end();
      }, shortLimits);
      await failure(client.hello({}));
    }),
    { numRuns: 100 },
  );
});

test("an answer longer than it may be is refused without being kept", async () => {
  const { client } = await answering((stream) => {
    stream.respond(unary);
    flood(stream, Buffer.alloc(65_536));
  });
  const before = process.memoryUsage().rss;
  expect((await failure(client.hello({}))).code).toBe(Code.ResourceExhausted);
  expect(process.memoryUsage().rss - before).toBeLessThan(maxGrowthBytes);
});

test("an answer that comes byte by byte without end costs no more than the call's time", async () => {
  const { client, connection } = await answering((stream) => {
    stream.respond(unary);
    const drip = setInterval(() => (stream.destroyed ? clearInterval(drip) : stream.write(Buffer.from([0]))), 20);
  }, limits);
  expect((await failure(client.hello({}))).code).toBe(Code.DeadlineExceeded);
  // The guest answered pings, so that only this call is lost.
  expect(await Promise.race([connection.closed, Promise.resolve("open")])).toBe("open");
});

test("a message that says it has 2^32 - 1 bytes is refused", async () => {
  const { client } = await answering((stream) => {
    stream.respond(streaming);
    stream.write(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]));
    flood(stream, Buffer.alloc(65_536));
  });
  const before = process.memoryUsage().rss;
  expect((await failure(watch(client))).code).toBe(Code.ResourceExhausted);
  expect(process.memoryUsage().rss - before).toBeLessThan(maxGrowthBytes);
});

test("a small message that unpacks to a large one is refused", async () => {
  const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024));
  const head = Buffer.alloc(5);
  head.writeUInt8(1, 0);
  head.writeUInt32BE(bomb.length, 1);
  const { client } = await answering((stream) => {
    stream.respond({ ...streaming, "connect-content-encoding": "gzip" });
    stream.end(Buffer.concat([head, bomb]));
  });
  const before = process.memoryUsage().rss;
  expect((await failure(watch(client))).code).toBe(Code.ResourceExhausted);
  expect(process.memoryUsage().rss - before).toBeLessThan(maxGrowthBytes);
});

test("a message that is none fails its call", async () => {
  const { client } = await answering((stream) => {
    stream.respond(unary);
    stream.end(randomBytes(1000));
  });
  await failure(client.hello({}));
});

test("a stream that nobody reads holds back a guest that floods it", async () => {
  let sent: { readonly bytes: number } | undefined;
  const { client } = await answering((stream) => {
    stream.respond(streaming);
    sent = flood(stream, Buffer.alloc(65_535));
  });
  const answers = client.watchEnvironments({})[Symbol.asyncIterator]();
  await answers.next();
  await new Promise<void>((resolve) => setTimeout(resolve, 500));
  expect(sent?.bytes).toBeLessThan(maxGrowthBytes);
  await answers.return?.();
});

test.each([0, 2])("a guest that says goodbye with code %i and sends on ends no more than the session", async (code) => {
  const type = Buffer.from("application/connect+proto");
  const headers = frame(type.length + 3, 1, 4, 1, Buffer.concat([Buffer.from([0x88, 0x5f, type.length]), type]));
  const data = Buffer.concat(Array.from({ length: 20 }, () => frame(1000, 0, 0, 1, Buffer.alloc(1000))));
  const goodbye = frame(8, 7, 0, 0, Buffer.from([0, 0, 0, 1, 0, 0, 0, code]));
  const { client, connection } = await hostile((session) => {
    session.write(settingsFrame);
    session.once("data", () =>
      setTimeout(() => {
        session.write(Buffer.concat([headers, data, goodbye, data]));
        flood(session, data);
      }, 50),
    );
  });
  await failure(watch(client));
  expect(await connection.closed).not.toBe("");
});
