import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import type { AgentService, SetNetworkRequestSchema } from "../contract/gen/berth/v1/agent_pb.js";
import { type Log, messageOf } from "../lib/log.ts";

/** dockerd may have to start anew for it. */
const networkTimeoutMs = 120_000;

/** How a machine gets to the world; gives what it is now. */
export type NetworkSource = () => Promise<MessageInitShape<typeof SetNetworkRequestSchema>>;

/** Tells a machine how to get to the world. One that cannot take it over works as before. */
export async function tellNetwork(
  client: Client<typeof AgentService>,
  network: NetworkSource | undefined,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  if (network === undefined) return;
  try {
    const { dockerWaits } = await client.setNetwork(await network(), { signal, timeoutMs: networkTimeoutMs });
    if (dockerWaits) log.info("dockerd takes the network's settings over once nothing runs that would be interrupted");
  } catch (error) {
    log.warn("the machine did not take the network's settings over", { reason: messageOf(error) });
  }
}
