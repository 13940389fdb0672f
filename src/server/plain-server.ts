import { createServer, type Server } from "node:http";
import { createServer as createHttp2Server, type Http2Server } from "node:http2";
import type { Socket } from "node:net";
import type { HttpRequest, HttpResponse } from "../plane/http-messages.ts";
import { EmptyAwareResponse } from "./empty-answer.ts";

/** How a client begins that speaks HTTP/2 without having asked for it; no method of HTTP/1.1 begins so. */
const http2Preface = "PRI";
/** By then a client has said something. */
const firstBytesTimeoutMs = 10_000;

/**
 * HTTP/1.1 and, with clients that begin with it, HTTP/2 on one port without TLS. The first server is the one that listens;
 * the second one has the sessions of HTTP/2.
 */
export function createPlainServer(listener: (request: HttpRequest, response: HttpResponse) => void): {
  readonly server: Server;
  readonly http2: Http2Server;
} {
  const server = createServer(listener);
  const http2 = createHttp2Server({ Http2ServerResponse: EmptyAwareResponse }, listener);
  const [speakHttp1] = server.listeners("connection");
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    const fail = (): void => void socket.destroy();
    socket.on("error", fail);
    socket.setTimeout(firstBytesTimeoutMs, fail);
    void firstBytes(socket).then((first) => {
      if (first === undefined) return fail();
      socket.setTimeout(0);
      socket.off("timeout", fail);
      socket.off("error", fail);
      socket.unshift(first);
      if (first.toString("latin1", 0, http2Preface.length) === http2Preface) http2.emit("connection", socket);
      else speakHttp1?.call(server, socket);
    });
  });
  return { server, http2 };
}

/** As many as tell the two apart, or all until then; undefined when none came. */
async function firstBytes(socket: Socket): Promise<Buffer | undefined> {
  let bytes = Buffer.alloc(0);
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off("readable", look);
      socket.off("close", done);
      resolve(bytes.length === 0 ? undefined : bytes);
    };
    const look = (): void => {
      const chunk: unknown = socket.read();
      if (Buffer.isBuffer(chunk)) bytes = Buffer.concat([bytes, chunk]);
      if (chunk === null && socket.readableEnded) return done();
      if (bytes.length >= http2Preface.length || (bytes.length > 0 && !http2Preface.startsWith(bytes.toString("latin1")))) done();
    };
    socket.on("readable", look);
    socket.on("close", done);
  });
}
