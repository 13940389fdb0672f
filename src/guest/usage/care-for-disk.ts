import { statfs } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../../lib/log.ts";
import type { DockerApi } from "../docker-api.ts";
import { reclaimSpace, settleDisk } from "./disk-bill.ts";
import { DiskCare } from "./disk-care.ts";

const lookIntervalMs = 15_000;

/** Looks after the data disk until the signal aborts; what fails is told on the machine's console and tried again. */
export async function careForDisk(
  options: { readonly dataFolder: string; readonly docker: DockerApi; readonly now: () => number },
  signal: AbortSignal,
): Promise<void> {
  const { dataFolder, docker, now } = options;
  const care = new DiskCare();
  while (!signal.aborted) {
    await delay(lookIntervalMs, undefined, { signal }).catch(() => undefined);
    try {
      const { bavail, blocks, bsize } = await statfs(dataFolder);
      const chore = care.next({ freeBytes: bavail * bsize, totalBytes: blocks * bsize }, now());
      if (chore === "reclaim") await reclaimSpace(dataFolder, docker);
      if (chore === "trim") await settleDisk(dataFolder);
    } catch (error) {
      process.stderr.write(`agent: the data disk was not looked after: ${messageOf(error)}\n`);
    }
  }
}
