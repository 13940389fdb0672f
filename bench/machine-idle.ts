import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { must } from "../tests/vm/product.ts";
import type { BenchContext } from "./context.ts";
import { watchIdle } from "./process-usage.ts";
import { type Result, resultOf } from "./statistics.ts";

const durationMs = 60_000;
/** What a boot leaves to do has been done by then: Go gives memory back with a hundredth of a processor, for minutes when emulated. */
const settleMs = 240_000;
const cpuLimitPercent = 2;
const pidFileSchema = z.object({ pid: z.number() });

/** What a machine without an environment costs while nobody does anything, in per cent of one core. */
export async function machineIdle({ product, say }: BenchContext): Promise<Result[]> {
  must(product.berth("machine", "start"));
  const { pid } = pidFileSchema.parse(JSON.parse(await readFile(join(product.home, "machines/default/qemu.json"), "utf8")));
  say("letting it settle, then watching for 60 s");
  await new Promise<void>((resolve) => setTimeout(resolve, settleMs));
  const { cpuPercent, residentMegabytes } = await watchIdle(pid, durationMs);
  say(`${residentMegabytes.toFixed(0)} MB are resident`);
  return [resultOf("machine-idle", "%", { ours: [cpuPercent], baseline: [cpuLimitPercent] }, 1)];
}
