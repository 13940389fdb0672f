import { randomBytes } from "node:crypto";
import { connect, type ClientHttp2Session, type Http2Server, type Http2Session, type ServerHttp2Session } from "node:http2";
import type { Duplex } from "node:stream";
import { Code, ConnectError, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { linkNonceBytes, openLink, type SessionStream } from "./link.ts";
import { wholeAnswer } from "./whole-answer.ts";

const flowWindowBytes = 4 * 1024 * 1024;
/** Messages from the guest, which is not trusted, may be this long. */
const maxMessageBytes = 8 * 1024 * 1024;

export interface AgentLimits {
  /** A guest that has not answered a ping for this long is dead or stuck. */
  readonly pingTimeoutMs: number;
  readonly pingIntervalMs: number;
  /** A call with one answer has it by then, also under emulation; streams have no limit but the pings. */
  readonly callTimeoutMs: number;
}

const defaultLimits: AgentLimits = { pingTimeoutMs: 10_000, pingIntervalMs: 5000, callTimeoutMs: 60_000 };

export interface AgentConnection {
  readonly transport: Transport;
  /** Resolves with the reason when the connection has ended. */
  readonly closed: Promise<string>;
  close(): void;
}

/**
 * Opens a session on a machine's byte stream and speaks HTTP/2 on it. Whatever the guest sends, calls end
 * within the limits and unread data within the flow windows.
 */
export async function connectAgent(
  wire: Duplex,
  linkKey: Uint8Array,
  signal: AbortSignal,
  limits: AgentLimits = defaultLimits,
): Promise<AgentConnection> {
  const stream = await openLink(wire, linkKey, randomBytes(linkNonceBytes), signal);
  const session = connect("http://agent", {
    createConnection: () => stream,
    settings: { initialWindowSize: flowWindowBytes, enablePush: false },
  });
  stopReadingAtEnd(stream, session);
  const closed = Promise.withResolvers<string>();
  session.on("goaway", () => closed.resolve("the machine ended the session"));
  // A session that ends as it begins tells of its beginning all the same.
  session.on("connect", () => session.destroyed || session.setLocalWindowSize(flowWindowBytes));
  session.on("error", (error) => closed.resolve(error.message));
  session.on("close", () => closed.resolve("the connection closed"));
  stream.on("error", (error) => closed.resolve(error.message));
  // With an error, so that calls which wait for an answer fail instead of waiting for ever.
  wire.once("close", () => session.destroy(new Error("the connection to the machine closed")));
  const stopPinging = keepAlive(session, limits, (reason) => closed.resolve(reason));
  const close = (): void => {
    stopPinging();
    session.destroy(new Error("the connection to the machine was closed"));
    stream.destroy();
    wire.destroy();
  };
  void closed.promise.then(close);
  const transport = createConnectTransport({
    baseUrl: "http://agent",
    httpVersion: "2",
    sessionManager: fixedSession(session),
    readMaxBytes: maxMessageBytes,
    interceptors: [limitCalls(limits.callTimeoutMs)],
  });
  return { transport, closed: closed.promise, close };
}

/** Begins an HTTP/2 session of a server on a link's session. */
export function acceptSession(server: Http2Server, stream: SessionStream): void {
  const onSession = (session: ServerHttp2Session): void => stopReadingAtEnd(stream, session);
  server.once("session", onSession);
  server.emit("connection", stream);
  server.off("session", onSession);
}

/**
 * Node aborts the whole process when a session that is ending gets data while it writes (node_http2.cc,
 * OnDataChunkReceived: is_reading_stopped), so it gets none, and one that the other end closed is not drained.
 */
function stopReadingAtEnd(stream: SessionStream, session: Http2Session): void {
  stream.accepts = () => !session.destroyed && !session.closed;
  session.on("goaway", () => session.destroy());
}

/** A call that is given a time of its own has that; every other one has the usual. */
function limitCalls(usualTimeoutMs: number): Interceptor {
  return (next) => async (request) => {
    if (request.stream) return next(request);
    const given = Number(request.header.get("Connect-Timeout-Ms") ?? 0);
    const timeoutMs = given > 0 ? given : usualTimeoutMs;
    const deadline = AbortSignal.timeout(timeoutMs);
    return next({ ...request, signal: AbortSignal.any([request.signal, deadline]) }).catch((error: unknown) => {
      throw deadline.aborted ? new ConnectError(`the machine gave no answer within ${timeoutMs} ms`, Code.DeadlineExceeded) : error;
    });
  };
}

function keepAlive(session: ClientHttp2Session, limits: AgentLimits, onDead: (reason: string) => void): () => void {
  let deadline: NodeJS.Timeout | undefined;
  const interval = setInterval(() => {
    if (session.destroyed || deadline !== undefined) return;
    deadline = setTimeout(() => onDead("the machine does not answer"), limits.pingTimeoutMs);
    session.ping((error) => {
      clearTimeout(deadline);
      deadline = undefined;
      if (error !== null && error !== undefined) onDead(error.message);
    });
  }, limits.pingIntervalMs);
  interval.unref();
  return () => {
    clearInterval(interval);
    clearTimeout(deadline);
  };
}

type SessionManager = Required<Extract<Parameters<typeof createConnectTransport>[0], { readonly httpVersion?: "2" }>>["sessionManager"];

/** Connect's session manager opens connections by itself; here there is exactly one, already open. */
function fixedSession(session: ClientHttp2Session): SessionManager {
  return {
    authority: "http://agent",
    request: async (method, path, headers, options) => {
      if (session.destroyed || session.closed) throw new Error("the connection to the machine is gone");
      return wholeAnswer(session.request({ ...headers, ":method": method, ":path": path }, options));
    },
    notifyResponseByteRead: () => undefined,
  };
}
