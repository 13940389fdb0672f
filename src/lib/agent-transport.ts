import { randomBytes } from "node:crypto";
import { connect, type ClientHttp2Session } from "node:http2";
import type { Duplex } from "node:stream";
import type { Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { linkNonceBytes, openLink } from "./link.ts";

const flowWindowBytes = 4 * 1024 * 1024;
/** A guest that has not answered a ping for this long is dead or stuck. */
const pingTimeoutMs = 10_000;
const pingIntervalMs = 5000;
/** Messages from the guest, which is not trusted, may be this long. */
const maxMessageBytes = 8 * 1024 * 1024;

export interface AgentConnection {
  readonly transport: Transport;
  /** Resolves with the reason when the connection has ended. */
  readonly closed: Promise<string>;
  close(): void;
}

/** Opens a session on a machine's byte stream and speaks HTTP/2 on it. */
export async function connectAgent(wire: Duplex, linkKey: Uint8Array, signal: AbortSignal): Promise<AgentConnection> {
  const stream = await openLink(wire, linkKey, randomBytes(linkNonceBytes), signal);
  const session = connect("http://agent", { createConnection: () => stream, settings: { initialWindowSize: flowWindowBytes } });
  const closed = Promise.withResolvers<string>();
  session.on("connect", () => session.setLocalWindowSize(flowWindowBytes));
  session.on("error", (error) => closed.resolve(error.message));
  session.on("close", () => closed.resolve("the connection closed"));
  stream.on("error", (error) => closed.resolve(error.message));
  // With an error, so that calls which wait for an answer fail instead of waiting for ever.
  wire.once("close", () => session.destroy(new Error("the connection to the machine closed")));
  const stopPinging = keepAlive(session, (reason) => closed.resolve(reason));
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
  });
  return { transport, closed: closed.promise, close };
}

function keepAlive(session: ClientHttp2Session, onDead: (reason: string) => void): () => void {
  let deadline: NodeJS.Timeout | undefined;
  const interval = setInterval(() => {
    if (session.destroyed || deadline !== undefined) return;
    deadline = setTimeout(() => onDead("the machine does not answer"), pingTimeoutMs);
    session.ping((error) => {
      clearTimeout(deadline);
      deadline = undefined;
      if (error !== null && error !== undefined) onDead(error.message);
    });
  }, pingIntervalMs);
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
      return session.request({ ...headers, ":method": method, ":path": path }, options);
    },
    notifyResponseByteRead: () => undefined,
  };
}
