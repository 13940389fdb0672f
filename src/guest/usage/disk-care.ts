/** Freed space that is worth a trim; each takes the disk's time from those who work. */
const worthTrimmingBytes = 512 * 1024 ** 2;
/** Below this share of the disk, what can be made again is removed. */
const littleFreeShare = 0.1;
const pruneIntervalMs = 60 * 60_000;

/** How full a disk is. */
export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export type DiskChore = "none" | "trim" | "reclaim";

/**
 * What the data disk needs. `trim`: much was deleted, and the host should get it back; the disk is mounted without
 * `discard`, which would slow each delete. `reclaim`: it is nearly full, and build cache and images without a name
 * that nothing uses go, at most once an hour.
 */
export class DiskCare {
  #leastFreeBytes = Number.POSITIVE_INFINITY;
  #reclaimedAtMs = Number.NEGATIVE_INFINITY;

  /** Told how full the disk is now. */
  next({ freeBytes, totalBytes }: DiskSpace, nowMs: number): DiskChore {
    this.#leastFreeBytes = Math.min(this.#leastFreeBytes, freeBytes);
    if (freeBytes < totalBytes * littleFreeShare && nowMs - this.#reclaimedAtMs >= pruneIntervalMs) {
      this.#reclaimedAtMs = nowMs;
      return "reclaim";
    }
    if (freeBytes - this.#leastFreeBytes < worthTrimmingBytes) return "none";
    this.#leastFreeBytes = freeBytes;
    return "trim";
  }
}
