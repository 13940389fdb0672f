import { createClient } from "@connectrpc/connect";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentService } from "../src/contract/gen/berth/v1/agent_pb.js";
import { connectAgent } from "../src/lib/agent-transport.ts";
import { silentLog } from "../src/lib/log.ts";
import { waitUntil } from "../src/lib/wait-until.ts";
import type { MachineSpec } from "../src/vm/driver.ts";
import { findImage, hostImageArch } from "../src/vm/image/find-image.ts";
import { qemuProgram } from "../src/vm/qemu/probe.ts";
import { QemuDriver } from "../src/vm/qemu/qemu-driver.ts";
import type { BenchContext } from "./context.ts";
import { measurePairs, type Result, resultOf } from "./statistics.ts";
import { type Hardware, StockGuest } from "./stock-guest.ts";

const defaultPairs = 3;
const limit = 0.35;
const cpus = 2;
const memoryBytes = 2 * 1024 ** 3;
const dataDiskLimitBytes = 8 * 1024 ** 3;
const bootTimeoutMs = 5 * 60_000;
const shutdownGraceMs = 60_000;
const pollMs = 20;
const machineId = "bench";

/** From the start of QEMU until the Docker API answers: Berth's machine against a stock cloud guest, both with a disk that has been used. */
export async function cold({ cacheFolder, imagesFolder, pairs, say }: BenchContext): Promise<Result[]> {
  const folder = await mkdtemp(join(tmpdir(), "berth-bench-"));
  const driver = new QemuDriver({
    machinesFolder: join(folder, "machines"),
    runFolder: join(folder, "run"),
    arch: hostImageArch(),
    log: silentLog,
    env: process.env,
  });
  await mkdir(join(folder, "machines"));
  const image = await findImage(imagesFolder, hostImageArch());
  const spec: MachineSpec = { id: machineId, image, cpus, memoryBytes, dataDiskLimitBytes };
  const stock = await StockGuest.prepare(cacheFolder, await hardwareOf(driver), say);
  try {
    say("booting Berth's machine for the first time, which formats its disk");
    await bootOnce(driver, spec);
    const samples = await measurePairs(
      pairs ?? defaultPairs,
      async () => bootOnce(driver, spec),
      async () => {
        const seconds = await stock.bootUntilDocker();
        await stock.shutDown();
        return seconds;
      },
      say,
    );
    return [resultOf("cold", "s", samples, limit)];
  } finally {
    stock.kill();
    await driver.kill(machineId);
    await rm(folder, { recursive: true, force: true });
  }
}

/** What both guests get: the accelerator that works here and a small machine. */
export async function hardwareOf(driver: QemuDriver): Promise<Hardware> {
  const { accelerator } = await driver.probe(AbortSignal.timeout(bootTimeoutMs));
  const arch = hostImageArch();
  return {
    qemu: qemuProgram(arch, process.env["PATH"]),
    accelerator: accelerator === "kvm" || accelerator === "hvf" ? accelerator : "tcg",
    arch,
    cpus,
    memoryBytes,
  };
}

/** Seconds from the driver's start to the agent's word that docker answers. */
export async function bootOnce(driver: QemuDriver, spec: MachineSpec): Promise<number> {
  const startedAtMs = performance.now();
  const signal = AbortSignal.timeout(bootTimeoutMs);
  await driver.start(spec, signal);
  const { stream, linkKey } = await driver.dialAgent(spec.id, signal);
  const connection = await connectAgent(stream, linkKey, signal);
  const client = createClient(AgentService, connection.transport);
  const ready = await waitUntil(async () => (await client.hello({ protocol: 1 }, { signal })).dockerReady, { intervalMs: pollMs, signal });
  const seconds = (performance.now() - startedAtMs) / 1000;
  connection.close();
  await driver.shutdown(spec.id, { graceMs: shutdownGraceMs, signal: AbortSignal.timeout(bootTimeoutMs) });
  if (!ready) throw new Error("docker in the machine did not answer");
  return seconds;
}
