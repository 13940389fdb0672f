import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type { ClientHttp2Stream, SecureClientSessionOptions } from "node:http2";
import type { Duplex } from "node:stream";
import { BerthError } from "../contract/berth-error.ts";
import { type OpenTunnelRequest, OpenTunnelRequestSchema, TunnelService } from "../contract/gen/berth/v1/tunnel_pb.js";
import { AsyncQueue } from "../lib/async-queue.ts";
import { messageStream } from "../lib/message-stream.ts";
import { maxPieceBytes, type Piece } from "../lib/pieces.ts";
import { isSafeUrl } from "../contract/safe-url.ts";
import { wholeAnswer } from "../lib/whole-answer.ts";
import { gatewayFailure } from "./gateway-failure.ts";

const maxQueuedPieces = 16;
/** The gateway waits as long for the runner, and answers then. */
const openTimeoutMs = 30_000;

class GatewaySessions extends Http2SessionManager {
  override async request(...args: Parameters<Http2SessionManager["request"]>): Promise<ClientHttp2Stream> {
    return wholeAnswer(await super.request(...args));
  }
}

/** A stream to an environment's ssh server. */
export interface OpenedTunnel {
  readonly stream: Duplex;
  /** As its runner tells it. */
  readonly sshHostPublicKey: string;
}

/**
 * Opens the way into an environment at a gateway, over a connection of its own. Fails with what the gateway says, e.g.
 * `environment-not-running`, `runner-unreachable` or `not-allowed`, with `gateway-unreachable` when it says nothing.
 */
export async function openTunnel(options: {
  readonly gatewayUrl: string;
  readonly accessToken: string;
  readonly environmentId: string;
  /** Ends the attempt, and not what came of it. */
  readonly signal: AbortSignal;
  /** E.g. authorities to trust besides. */
  readonly http2?: SecureClientSessionOptions;
}): Promise<OpenedTunnel> {
  const { gatewayUrl, accessToken, environmentId, signal, http2 } = options;
  const url = URL.parse(gatewayUrl);
  if (url === null || !isSafeUrl(url)) throw new BerthError("gateway-unreachable", "it has no https address");
  const sessions = new GatewaySessions(url.origin, {}, http2);
  // Ciphertext does not get any smaller.
  const transport = createConnectTransport({ baseUrl: url.origin, httpVersion: "2", sessionManager: sessions, acceptCompression: [] });
  const queue = new AsyncQueue<OpenTunnelRequest>(maxQueuedPieces);
  const ended = new AbortController();
  const close = (): void => {
    queue.end();
    ended.abort();
    sessions.abort(new Error("the tunnel has ended"));
  };
  const limit = AbortSignal.any([signal, AbortSignal.timeout(openTimeoutMs)]);
  limit.addEventListener("abort", close, { signal: ended.signal });
  try {
    limit.throwIfAborted();
    const headers = { authorization: `Bearer ${accessToken}` };
    await queue.push(create(OpenTunnelRequestSchema, { message: { case: "environmentId", value: environmentId } }));
    const answers = createClient(TunnelService, transport).open(queue, { headers, signal: ended.signal })[Symbol.asyncIterator]();
    const first = await answers.next();
    if (first.done === true || first.value.message.case !== "connected")
      throw new BerthError("gateway-unreachable", "it did not connect us");
    limit.removeEventListener("abort", close);
    const { sshHostPublicKey } = first.value.message.value;
    return { stream: messageStream({ answers, send: async (piece) => send(queue, piece), close }), sshHostPublicKey };
  } catch (error) {
    close();
    signal.throwIfAborted();
    throw gatewayFailure(error);
  }
}

async function send(queue: AsyncQueue<OpenTunnelRequest>, piece: Piece): Promise<void> {
  if (piece.case === "end") return queue.push(create(OpenTunnelRequestSchema, { message: piece }));
  for (let start = 0; start < piece.value.length; start += maxPieceBytes) {
    const value = piece.value.subarray(start, start + maxPieceBytes);
    await queue.push(create(OpenTunnelRequestSchema, { message: { case: "data", value } }));
  }
}
