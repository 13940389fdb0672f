import type { Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { connect } from "node:net";
import type { BerthPaths } from "../lib/paths.ts";

/** A transport to the host on its socket. */
export function hostTransport(paths: Pick<BerthPaths, "apiSocket">): Transport {
  return createConnectTransport({
    baseUrl: "http://berth",
    httpVersion: "2",
    nodeOptions: { createConnection: () => connect(paths.apiSocket) },
  });
}
