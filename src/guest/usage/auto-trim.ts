import { statfs } from "node:fs/promises";
import { settleDisk } from "./disk-bill.ts";

const lookIntervalMs = 15_000;
/** Freed space that is worth a trim; each takes the disk's time from those who work. */
const worthTrimmingBytes = 512 * 1024 ** 2;

/** Whether so much was freed since the last trim that the host should get it back; pure but for what it remembers. */
export class TrimPolicy {
  #leastFreeBytes = Number.POSITIVE_INFINITY;

  /** Told how much is free now. */
  shouldTrim(freeBytes: number): boolean {
    this.#leastFreeBytes = Math.min(this.#leastFreeBytes, freeBytes);
    if (freeBytes - this.#leastFreeBytes < worthTrimmingBytes) return false;
    this.#leastFreeBytes = freeBytes;
    return true;
  }
}

/** Gives blocks back to the host soon after much was deleted: the disk is mounted without `discard`, which would slow each delete. */
export function trimAfterDeletes(dataFolder: string, onFailure: (error: unknown) => void): void {
  const policy = new TrimPolicy();
  let busy = false;
  const look = async (): Promise<void> => {
    const { bfree, bsize } = await statfs(dataFolder);
    if (policy.shouldTrim(bfree * bsize)) await settleDisk(dataFolder);
  };
  setInterval(() => {
    if (busy) return;
    busy = true;
    look()
      .catch(onFailure)
      .finally(() => (busy = false));
  }, lookIntervalMs).unref();
}
