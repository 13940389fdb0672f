import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, createContextKey, createContextValues, type Interceptor } from "@connectrpc/connect";
import { connectNodeAdapter, createConnectTransport } from "@connectrpc/connect-node";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import { once } from "node:events";
import { createServer as createHttp1Server, type IncomingMessage, request as requestHttp1, type Server } from "node:http";
import { connect, createServer as createHttp2Server, type Http2Server, type OutgoingHttpHeaders } from "node:http2";
import { buffer } from "node:stream/consumers";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { EventService, WatchEventsRequestSchema } from "../contract/gen/gitpod/v1/event_pb.js";
import type { Gate } from "../plane/gate.ts";
import type { NodeRequest, NodeResponse } from "../plane/jsonl.ts";
import { bind, type BoundService } from "../plane/services/bind.ts";
import { ConnectStreams } from "./connect-streams.ts";
import { blameClientOf } from "./unreadable-message.ts";

const maxMessageBytes = 1000;
const path = "/gitpod.v1.EventService/WatchEvents";
const spokenKey = createContextKey("nothing");
const resourceId = "018f0000-0000-7000-8000-000000000001";

/** Of HTTP/2. */
const responseHead = z.looseObject({ ":status": z.number() });

type Watch = (about: { readonly environmentId: string; readonly spoken: string; readonly signal: AbortSignal }) => AsyncGenerator<{
  readonly resourceId: string;
}>;

/** What a test's method does with what it is asked about. */
const watches: Readonly<Record<string, Watch>> = {
  two: async function* () {
    yield { resourceId };
    yield { resourceId: "second" };
  },
  none: async function* () {},
  spoken: async function* ({ spoken }) {
    yield { resourceId: spoken };
  },
  refused: async function* ({ signal }) {
    if (signal.aborted) yield { resourceId };
    throw new ConnectError("not this one", Code.NotFound, { "x-why": "gone" });
  },
  "refused later": async function* () {
    yield { resourceId };
    throw new ConnectError("no more", Code.ResourceExhausted);
  },
  broken: async function* () {
    yield { resourceId };
    throw new Error("words of our own");
  },
  big: async function* () {
    yield { resourceId: "x".repeat(2 * maxMessageBytes) };
  },
};

const servers: (Server | Http2Server)[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));

function service(watch: Watch): BoundService {
  return bind(EventService, {
    watchEvents: async function* ({ scope }, { values, signal, responseHeader, responseTrailer }) {
      responseHeader.set("x-head", "yes");
      responseTrailer.set("x-tail", "yes");
      yield* watch({ environmentId: scope.case === "environmentId" ? scope.value : "", spoken: values.get(spokenKey), signal });
    },
  });
}

const gate: Gate = async ({ requestHeader }) => {
  if (requestHeader.has("x-nobody")) throw new ConnectError("nobody is known", Code.Unauthenticated);
};
const speaking: Interceptor = (next) => async (request) => {
  request.contextValues.set(spokenKey, request.header.get("x-say") ?? "");
  return next(request);
};

type Handler = (request: NodeRequest, response: NodeResponse) => void;

/** Ours, and Connect's own. */
function handlers({ streams, register }: BoundService): { readonly ours: Handler; readonly connects: Handler } {
  const contextValues = createContextValues;
  const options = { interceptors: [speaking], contextValues };
  const own = new ConnectStreams({ ...options, streams, gate, maxMessageBytes });
  const connects = connectNodeAdapter({
    ...options,
    routes: register,
    requestGate: async (context) => {
      blameClientOf(context);
      await gate(context);
    },
    readMaxBytes: maxMessageBytes,
    writeMaxBytes: maxMessageBytes,
  });
  const ours: Handler = (request, response) => {
    if (own.serve(request, response)) return;
    response.writeHead(418);
    response.end();
  };
  return { ours, connects };
}

async function listen(server: Server | Http2Server): Promise<number> {
  servers.push(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

interface Asked {
  readonly headers: OutgoingHttpHeaders;
  readonly body: Uint8Array;
}

/** What a client of HTTP/2 gets, byte by byte. */
async function answerTo(handler: Handler, { headers, body }: Asked): Promise<{ readonly headers: object; readonly body: string }> {
  const session = connect(`http://127.0.0.1:${await listen(createHttp2Server(handler))}`);
  const stream = session.request({ ":method": "POST", ":path": path, ...headers });
  stream.end(body);
  const headed = once(stream, "response");
  const answered = (await buffer(stream)).toString();
  const [head]: unknown[] = await headed;
  const { date: _, ...rest } = responseHead.parse(head);
  session.close();
  return { headers: rest, body: answered };
}

/** The same of HTTP/1.1. */
async function olderAnswerTo(
  handler: Handler,
  { headers, body }: Asked,
): Promise<{ readonly status: number | undefined; readonly body: string }> {
  const port = await listen(createHttp1Server(handler));
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const options = { port, host: "127.0.0.1", method: "POST", path, headers, agent: false };
    requestHttp1(options, resolve).on("error", reject).end(body);
  });
  return { status: response.statusCode, body: (await buffer(response)).toString() };
}

const proto = { "content-type": "application/connect+proto", "connect-protocol-version": "1" };
const json = { ...proto, "content-type": "application/connect+json" };

function asking(environmentId: string): Uint8Array {
  return toBinary(WatchEventsRequestSchema, create(WatchEventsRequestSchema, { scope: { case: "environmentId", value: environmentId } }));
}

const two = encodeEnvelope(0, asking("two"));

const calls: readonly [string, Asked][] = [
  ...Object.keys(watches).map((name): [string, Asked] => [name, { headers: proto, body: encodeEnvelope(0, asking(name)) }]),
  ["JSON", { headers: json, body: encodeEnvelope(0, Buffer.from('{"environmentId":"two"}')) }],
  ["a header that an interceptor reads", { headers: { ...proto, "x-say": "hello" }, body: encodeEnvelope(0, asking("spoken")) }],
  ["a caller whom the gate refuses", { headers: { ...proto, "x-nobody": "1" }, body: two }],
  ["a client that takes packed answers", { headers: { ...proto, "connect-accept-encoding": "identity" }, body: two }],
  ["no message of the protocol", { headers: proto, body: Buffer.from("hello") }],
  ["half a message", { headers: proto, body: two.subarray(0, -1) }],
  ["a packed message where nothing is", { headers: proto, body: encodeEnvelope(1, asking("two")) }],
  ["a message that is none", { headers: proto, body: encodeEnvelope(0, Buffer.from([255])) }],
  ["JSON that is none", { headers: json, body: encodeEnvelope(0, Buffer.from("{")) }],
  ["a message that is too long", { headers: proto, body: encodeEnvelope(0, asking("x".repeat(maxMessageBytes))) }],
];

function answering(): ReturnType<typeof handlers> {
  return handlers(service((about) => (watches[about.environmentId] ?? watches["none"] ?? (() => expect.fail()))(about)));
}

test.each(calls)("answers %s as Connect does", async (_name, asked) => {
  const { ours, connects } = answering();
  const answer = await answerTo(ours, asked);
  expect(answer).toEqual(await answerTo(connects, asked));
  expect(answer.headers).toMatchObject({ ":status": 200, "content-type": asked.headers["content-type"] });
  expect(await olderAnswerTo(ours, asked)).toEqual(await olderAnswerTo(connects, asked));
});

test("a message that cannot be read is the client's mistake", async () => {
  const { body } = await answerTo(answering().ours, { headers: proto, body: encodeEnvelope(0, Buffer.from([255])) });
  expect(body).toContain('"code":"invalid_argument"');
});

test.each<[string, Uint8Array]>([
  ["no message", Buffer.alloc(0)],
  ["two messages", Buffer.concat([two, two])],
])("refuses %s with Connect's code", async (_name, body) => {
  const { ours, connects } = answering();
  const codeOf = async (handler: Handler): Promise<string | undefined> =>
    /"code":"(\w+)"/.exec((await answerTo(handler, { headers: proto, body })).body)?.[1];
  expect(await codeOf(ours)).toBe("unimplemented");
  expect(await codeOf(connects)).toBe("unimplemented");
});

test.each<[string, OutgoingHttpHeaders]>([
  ["another protocol", { "content-type": "application/grpc-web+proto" }],
  ["a type with a parameter", { "content-type": "application/connect+json; charset=utf-8" }],
  ["a deadline", { ...proto, "connect-timeout-ms": "1000" }],
  ["a packed request", { ...proto, "connect-content-encoding": "gzip" }],
  ["another method", { ...proto, ":path": "/gitpod.v1.EventService/ListAuditLogs" }],
])("leaves %s to Connect", async (_name, headers) => {
  expect((await answerTo(answering().ours, { headers, body: two })).headers).toMatchObject({ ":status": 418 });
});

describe.each(["1.1", "2"] as const)("a client of HTTP/%s", (httpVersion) => {
  const start = async (watch: Watch) => {
    const { ours } = handlers(service(watch));
    const port = await listen(httpVersion === "2" ? createHttp2Server(ours) : createHttp1Server(ours));
    return createClient(EventService, createConnectTransport({ baseUrl: `http://127.0.0.1:${port}`, httpVersion }));
  };

  test("gets each message when it is there, and its going away is told", async () => {
    const gone = Promise.withResolvers<void>();
    const more = Promise.withResolvers<void>();
    const client = await start(async function* ({ signal }) {
      signal.addEventListener("abort", () => gone.resolve());
      yield { resourceId: "first" };
      await more.promise;
      yield { resourceId: "second" };
      await gone.promise;
    });
    const leaving = new AbortController();
    const seen: string[] = [];
    await expect(async () => {
      for await (const event of client.watchEvents({}, { signal: leaving.signal })) {
        seen.push(event.resourceId);
        if (seen.length === 1) more.resolve();
        else leaving.abort();
      }
    }).rejects.toMatchObject({ code: Code.Canceled });
    expect(seen).toEqual(["first", "second"]);
    await gone.promise;
  });

  test("that reads slowly is waited for", async () => {
    let given = 0;
    const client = await start(async function* () {
      for (; given < 100_000; given++) yield { resourceId: "x".repeat(maxMessageBytes / 2) };
    });
    let read = 0;
    for await (const _ of client.watchEvents({})) {
      // What lies between them is what sockets and streams hold, far less than all of it.
      if (read === 0) await expect.poll(() => given).toBeGreaterThan(10);
      if (++read > 50_000) break;
      if (read === 10) expect(given).toBeLessThan(50_000);
    }
  });
});
