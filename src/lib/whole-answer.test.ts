import { once } from "node:events";
import { type ClientHttp2Session, connect, createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { waitUntil } from "./wait-until.ts";
import { wholeAnswer } from "./whole-answer.ts";

const answer = "the whole answer";
let server: Http2Server;
let session: ClientHttp2Session;

beforeEach(async () => {
  server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

afterEach(() => {
  session.destroy();
  server.close();
});

async function read(stream: AsyncIterable<unknown>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}

test("an answer that came whole before anybody read it is read to its end", async () => {
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200 });
    stream.end(answer);
  });
  const stream = wholeAnswer(session.request({ ":path": "/" }));
  stream.end();
  await waitUntil(() => stream.closed, { intervalMs: 1, signal: AbortSignal.timeout(5000) });
  expect(await read(stream)).toBe(answer);
});

test("an answer that breaks off fails who reads it", async () => {
  server.on("stream", (stream) => {
    stream.on("error", () => undefined);
    stream.respond({ ":status": 200 });
    stream.write(answer, () => stream.session?.destroy());
  });
  const stream = wholeAnswer(session.request({ ":path": "/" }));
  stream.end();
  await expect(read(stream)).rejects.toThrow();
});

test("who reads no further ends what would come", async () => {
  const ended = Promise.withResolvers<void>();
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200 });
    stream.write(answer);
    stream.on("error", () => undefined);
    stream.once("close", () => ended.resolve());
  });
  const stream = wholeAnswer(session.request({ ":path": "/" }));
  stream.end();
  for await (const chunk of stream) {
    expect(String(chunk)).toBe(answer);
    break;
  }
  await ended.promise;
});
