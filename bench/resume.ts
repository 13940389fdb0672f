import { createClient } from "@connectrpc/connect";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentService } from "../src/contract/gen/berth/v1/agent_pb.js";
import type { AgentClient } from "../src/engine/machine-view.ts";
import { settleDisk } from "../src/engine/settle-disk.ts";
import { connectAgent } from "../src/lib/agent-transport.ts";
import { silentLog } from "../src/lib/log.ts";
import type { MachineSpec } from "../src/vm/driver.ts";
import { findImage, hostImageArch } from "../src/vm/image/find-image.ts";
import { QemuDriver } from "../src/vm/qemu/qemu-driver.ts";
import { whenDockerReady } from "../tests/conformance/machine-exec.ts";
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
const dockerRunLimit = 1.3;
const dockerRun = "docker run --rm berth/devcontainer:13 true";

interface Times {
  readonly suspend: number[];
  readonly running: number[];
  /** `docker run` of an image that is there, on the machine before it is suspended and as the first thing after. */
  readonly dockerRun: { readonly ours: number[]; readonly baseline: number[] };
}

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
  const times: Times = { suspend: [], running: [], dockerRun: { ours: [], baseline: [] } };
  try {
    say("booting for the first time, which formats the disk");
    await bootOnce(driver, machine);
    await loadImage(driver, machine);
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
      resultOf("resume.docker-run", "s", times.dockerRun, dockerRunLimit),
    ];
  } finally {
    await driver.kill(machine.id);
    await rm(folder, { recursive: true, force: true });
  }
}

async function loadImage(driver: QemuDriver, machine: MachineSpec): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs);
  await driver.start(machine, signal);
  const { run, close } = await whenDockerReady(driver, machine.id, signal);
  await run("docker load -i /usr/share/berth/devcontainer-image.tar");
  close();
  await driver.shutdown(machine.id, { graceMs: timeoutMs, signal });
}

/** Seconds from the driver's start until the agent of a suspended machine answers. */
async function resumeOnce(driver: QemuDriver, machine: MachineSpec, times: Times): Promise<number> {
  const signal = AbortSignal.timeout(timeoutMs);
  await driver.start(machine, signal);
  const before = await whenDockerReady(driver, machine.id, signal);
  await before.run(dockerRun);
  times.dockerRun.baseline.push(await seconds(async () => before.run(dockerRun)));
  before.close();
  await new Promise<void>((resolve) => setTimeout(resolve, settleMs));
  await withAgent(driver, signal, async (client) => settleDisk(client, signal));
  times.suspend.push(await seconds(async () => driver.suspend(machine.id, { signal })));
  let running = 0;
  const total = await seconds(async () => {
    running = await seconds(async () => driver.start(machine, signal));
    await answer(driver, signal);
  });
  times.running.push(running);
  const after = await whenDockerReady(driver, machine.id, signal);
  times.dockerRun.ours.push(await seconds(async () => after.run(dockerRun)));
  after.close();
  await driver.shutdown(machine.id, { graceMs: timeoutMs, signal });
  return total;
}

/** Does something with the agent of the machine, on a connection of its own. */
async function withAgent(driver: QemuDriver, signal: AbortSignal, work: (client: AgentClient) => Promise<unknown>): Promise<void> {
  const { stream, linkKey } = await driver.dialAgent(spec.id, signal);
  const connection = await connectAgent(stream, linkKey, signal);
  await work(createClient(AgentService, connection.transport));
  connection.close();
}

/** Until the agent of the machine says hello. */
async function answer(driver: QemuDriver, signal: AbortSignal): Promise<void> {
  await withAgent(driver, signal, async (client) => client.hello({ protocol: 1 }, { signal }));
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return (performance.now() - startedAtMs) / 1000;
}
