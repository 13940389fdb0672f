import { createClient } from "@connectrpc/connect";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentService } from "../src/contract/gen/berth/v1/agent_pb.js";
import { connectAgent } from "../src/lib/agent-transport.ts";
import { silentLog } from "../src/lib/log.ts";
import type { MachineSpec } from "../src/vm/driver.ts";
import { findImage, hostImageArch } from "../src/vm/image/find-image.ts";
import { QemuDriver } from "../src/vm/qemu/qemu-driver.ts";
import { bootOnce } from "./cold.ts";
import type { BenchContext } from "./context.ts";
import { measurePairs, type Result, resultOf } from "./statistics.ts";

const defaultPairs = 3;
const spec = { id: "bench", cpus: 2, memoryBytes: 2 * 1024 ** 3, dataDiskLimitBytes: 8 * 1024 ** 3 } as const;
const timeoutMs = 5 * 60_000;
/** What a boot leaves to do has been done by then. */
const settleMs = 10_000;
const runningLimitSeconds = 0.3;
const agentLimitSeconds = 0.3;
const suspendLimitSeconds = 1;

/** Suspending a machine of 2 GiB and continuing it: until its processors run, and until its agent answers; against a boot of the same. */
export async function resume({ imagesFolder, pairs, say }: BenchContext): Promise<Result[]> {
  const folder = await mkdtemp(join(tmpdir(), "berth-bench-"));
  await mkdir(join(folder, "machines"));
  const driver = new QemuDriver({
    machinesFolder: join(folder, "machines"),
    runFolder: join(folder, "run"),
    arch: hostImageArch(),
    log: silentLog,
    env: process.env,
  });
  const machine: MachineSpec = { ...spec, image: await findImage(imagesFolder, hostImageArch()) };
  const times = { suspend: [] as number[], running: [] as number[] };
  try {
    say("booting for the first time, which formats the disk");
    await bootOnce(driver, machine);
    const samples = await measurePairs(
      pairs ?? defaultPairs,
      async () => resumeOnce(driver, machine, times),
      async () => bootOnce(driver, machine),
      say,
    );
    return [
      resultOf("resume.suspend", "s", { ours: times.suspend, baseline: [suspendLimitSeconds] }, 1),
      resultOf("resume.running", "s", { ours: times.running, baseline: [runningLimitSeconds] }, 1),
      resultOf("resume.agent", "s", { ours: samples.ours, baseline: [agentLimitSeconds] }, 1),
      resultOf("resume.agent-to-cold", "s", samples),
    ];
  } finally {
    await driver.kill(machine.id);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Seconds from the driver's start until the agent of a suspended machine answers. */
async function resumeOnce(
  driver: QemuDriver,
  machine: MachineSpec,
  times: { readonly suspend: number[]; readonly running: number[] },
): Promise<number> {
  const signal = AbortSignal.timeout(timeoutMs);
  await driver.start(machine, signal);
  await answer(driver, signal);
  await new Promise<void>((resolve) => setTimeout(resolve, settleMs));
  times.suspend.push(await seconds(async () => driver.suspend(machine.id, { signal })));
  let running = 0;
  const total = await seconds(async () => {
    running = await seconds(async () => driver.start(machine, signal));
    await answer(driver, signal);
  });
  times.running.push(running);
  await driver.shutdown(machine.id, { graceMs: timeoutMs, signal });
  return total;
}

/** Until the agent of the machine says hello. */
async function answer(driver: QemuDriver, signal: AbortSignal): Promise<void> {
  const { stream, linkKey } = await driver.dialAgent(spec.id, signal);
  const connection = await connectAgent(stream, linkKey, signal);
  await createClient(AgentService, connection.transport).hello({ protocol: 1 }, { signal });
  connection.close();
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return (performance.now() - startedAtMs) / 1000;
}
