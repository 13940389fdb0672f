import { statSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../src/lib/wait-until.ts";
import { must } from "../tests/vm/product.ts";
import type { BenchContext } from "./context.ts";
import { type Result, resultOf } from "./statistics.ts";

const writtenMegabytes = 2000;
const leastReturnedMegabytes = 1800;
const limitMs = 60_000;
const pollMs = 500;
const blockBytes = 512;

/** How soon this computer has the space again that a guest freed: seconds from the end of the delete until nine tenths of it are back. */
export async function reclaim({ product, say }: BenchContext): Promise<Result[]> {
  const disk = join(product.home, "machines/default/data.raw");
  const allocatedMegabytes = (): number => (statSync(disk).blocks * blockBytes) / 1e6;
  must(product.berth("machine", "start"));
  // Zeros would not be stored at all.
  must(product.machine("sh", "-c", `head -c ${writtenMegabytes}M /dev/urandom > /data/reclaim && sync`));
  const full = allocatedMegabytes();
  say(`${full.toFixed(0)} MB are taken with the file`);
  must(product.machine("rm", "/data/reclaim"));
  const startedAtMs = performance.now();
  await waitUntil(() => full - allocatedMegabytes() >= leastReturnedMegabytes, {
    intervalMs: pollMs,
    signal: AbortSignal.timeout(limitMs * 2),
  });
  const seconds = (performance.now() - startedAtMs) / 1000;
  say(`${(full - allocatedMegabytes()).toFixed(0)} MB came back within ${seconds.toFixed(0)} s`);
  return [resultOf("reclaim", "s", { ours: [seconds], baseline: [limitMs / 1000] }, 1)];
}
