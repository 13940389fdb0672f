import type { AgentClient } from "./machine-view.ts";

/** A suspended disk is whole also without the memory. */
const settleDiskTimeoutMs = 30_000;

/** Before a suspend: writes back what is held of the disk. */
export async function settleDisk(client: AgentClient | undefined, signal: AbortSignal): Promise<void> {
  await client?.settleDisk({}, { signal, timeoutMs: settleDiskTimeoutMs });
}
