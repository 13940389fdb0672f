import type { AgentClient } from "./machine-view.ts";

/** A suspended disk is whole also without the memory. */
const settleDiskTimeoutMs = 30_000;
/** Cached files are saved with the rest: what is used again at once, and not all that was ever read. */
const usualCacheBytes = 128n << 20n;

/** Before a suspend: writes back what is held of the disk, and gives up what need not be saved. */
export async function settleDisk(client: AgentClient | undefined, signal: AbortSignal, keepCacheBytes = usualCacheBytes): Promise<void> {
  await client?.settleDisk({ keepCacheBytes }, { signal, timeoutMs: settleDiskTimeoutMs });
}
