import type { Transport } from "@connectrpc/connect";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type { ClientHttp2Stream } from "node:http2";
import { connect } from "node:net";
import { wholeAnswer } from "./whole-answer.ts";

const baseUrl = "http://berth";

/** Sessions with a host, which are closed by `abort`. */
export class HostSessions extends Http2SessionManager {
  constructor(socketPath: string) {
    super(baseUrl, {}, { createConnection: () => connect(socketPath) });
  }

  override async request(...args: Parameters<Http2SessionManager["request"]>): Promise<ClientHttp2Stream> {
    return wholeAnswer(await super.request(...args));
  }
}

/** A transport to the host on its socket. */
export function hostTransport(sessions: HostSessions): Transport {
  return createConnectTransport({ baseUrl, httpVersion: "2", sessionManager: sessions });
}
