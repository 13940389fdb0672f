import { join } from "node:path";
import { must } from "../tests/vm/product.ts";
import type { BenchContext } from "./context.ts";
import { type Result, resultOf } from "./statistics.ts";

const defaultRounds = 3;
const limitSeconds = 3;
const name = "wakes";

/** `berth start` of a stopped environment on a suspended machine, until a command over ssh answers. */
export async function wake({ product, samplesFolder, pairs, say }: BenchContext): Promise<Result[]> {
  must(product.create(join(samplesFolder, "node-web"), name));
  const times: number[] = [];
  for (let round = 1; round <= (pairs ?? defaultRounds); round++) {
    must(product.berth("stop", name));
    must(product.berth("machine", "suspend"));
    const startedAtMs = performance.now();
    must(product.berth("start", name));
    must(product.ssh(name, "true"));
    times.push((performance.now() - startedAtMs) / 1000);
    say(`round ${round}: ${times.at(-1)?.toFixed(2)} s`);
  }
  must(product.berth("delete", name, "--force"));
  return [resultOf("wake", "s", { ours: times, baseline: [limitSeconds] }, 1)];
}
