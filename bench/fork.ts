import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMachine } from "../src/engine/start-machine.ts";
import { Templates } from "../src/engine/templates.ts";
import { silentLog } from "../src/lib/log.ts";
import type { MachineSpec } from "../src/vm/driver.ts";
import { findImage, hostImageArch } from "../src/vm/image/find-image.ts";
import { QemuDriver } from "../src/vm/qemu/qemu-driver.ts";
import { whenDockerReady } from "../tests/conformance/machine-exec.ts";
import { bootOnce } from "./cold.ts";
import type { BenchContext } from "./context.ts";
import { measurePairs, type Result, resultOf } from "./statistics.ts";

const defaultPairs = 3;
const size = { cpus: 2, memoryBytes: 2 * 1024 ** 3, dataDiskLimitBytes: 8 * 1024 ** 3 } as const;
const timeoutMs = 10 * 60_000;
const agentLimitSeconds = 0.6;
const machinesAtOnce = 10;
const execLimitSeconds = 5;
/** What a machine does by itself after its start has been done by then. */
const settleMs = 20_000;

interface Bench {
  readonly driver: QemuDriver;
  readonly spec: (id: string) => MachineSpec;
  readonly fork: (id: string, signal: AbortSignal) => Promise<void>;
}

/** A machine made as a copy of its template, until its processors run and until its agent has its identity; against a boot of a new one. */
export async function fork(context: BenchContext): Promise<Result[]> {
  return withTemplate(context, async ({ driver, spec, fork: make }) => {
    const running: number[] = [];
    const ours = async (): Promise<number> => {
      const signal = AbortSignal.timeout(timeoutMs);
      const startedAtMs = performance.now();
      await make("copy", signal);
      running.push(secondsSince(startedAtMs));
      const machine = await whenDockerReady(driver, "copy", signal);
      const seconds = secondsSince(startedAtMs);
      machine.close();
      await driver.kill("copy");
      await driver.remove("copy");
      return seconds;
    };
    const baseline = async (): Promise<number> => {
      const seconds = await bootOnce(driver, spec("new"));
      await driver.remove("new");
      return seconds;
    };
    const samples = await measurePairs(context.pairs ?? defaultPairs, ours, baseline, context.say);
    return [
      resultOf("fork.running", "s", { ours: running, baseline: [agentLimitSeconds] }, 1),
      resultOf("fork.agent", "s", { ours: samples.ours, baseline: [agentLimitSeconds] }, 1),
      resultOf("fork.agent-to-new", "s", samples),
    ];
  });
}

/** Ten machines of their own made at once on this computer: the slowest answer to a command in each, and what they take together. */
export async function ten(context: BenchContext): Promise<Result[]> {
  return withTemplate(context, async ({ driver, fork: make }) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const ids = Array.from({ length: machinesAtOnce }, (_, i) => `copy-${i}`);
    const startedAtMs = performance.now();
    await Promise.all(ids.map(async (id) => make(id, signal)));
    const machines = await Promise.all(ids.map(async (id) => whenDockerReady(driver, id, signal)));
    context.say(`all ${machinesAtOnce} are ready after ${secondsSince(startedAtMs).toFixed(1)} s`);
    await new Promise<void>((resolve) => setTimeout(resolve, settleMs));
    const answers: number[] = [];
    const names = new Set<string>();
    for (const machine of machines) {
      const askedAtMs = performance.now();
      names.add(await machine.run("cat /etc/machine-id"));
      answers.push(secondsSince(askedAtMs));
    }
    if (names.size !== machinesAtOnce) throw new Error("two machines have the same identity");
    const usages = await Promise.all(ids.map(async (id) => driver.usage(id)));
    const megabytes = usages.reduce((sum, { residentMemoryBytes }) => sum + residentMemoryBytes, 0) / 1e6;
    context.say(`answers after ${answers.map((s) => s.toFixed(2)).join(", ")} s; ${megabytes.toFixed(0)} MB are resident`);
    return [resultOf("ten", "s", { ours: [Math.max(...answers)], baseline: [execLimitSeconds] }, 1)];
  });
}

/** A driver with a template that is suspended. */
async function withTemplate({ imagesFolder, say }: BenchContext, work: (bench: Bench) => Promise<Result[]>): Promise<Result[]> {
  const folder = await mkdtemp(join(tmpdir(), "berth-bench-"));
  await mkdir(join(folder, "machines"));
  const arch = hostImageArch();
  const driver = new QemuDriver({
    machinesFolder: join(folder, "machines"),
    runFolder: join(folder, "run"),
    arch,
    log: silentLog,
    env: process.env,
  });
  const image = await findImage(imagesFolder, arch);
  const spec = (id: string): MachineSpec => ({ id, image, ...size });
  const templates = new Templates({ driver, log: silentLog, now: () => Date.now() });
  const parts = { driver, log: silentLog, template: templates.get.bind(templates) };
  try {
    say("making the template");
    await templates.get(spec("copy"), { anew: false }, AbortSignal.timeout(timeoutMs));
    return await work({ driver, spec, fork: async (id, signal) => startMachine(parts, spec(id), signal) });
  } finally {
    for (const id of await driver.list()) await driver.kill(id);
    await rm(folder, { recursive: true, force: true });
  }
}

function secondsSince(startedAtMs: number): number {
  return (performance.now() - startedAtMs) / 1000;
}
