import { createClient } from "@connectrpc/connect";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { HostSessions, hostTransport } from "../src/lib/host-transport.ts";
import { HostService } from "../src/contract/gen/berth/v1/host_pb.js";
import { berthPaths } from "../src/lib/paths.ts";
import { silentLog } from "../src/lib/log.ts";
import { hostImageArch } from "../src/vm/image/find-image.ts";
import { QemuDriver } from "../src/vm/qemu/qemu-driver.ts";
import { must } from "../tests/vm/product.ts";
import { hardwareOf } from "./cold.ts";
import type { BenchContext } from "./context.ts";
import { watchIdle } from "./process-usage.ts";
import { type Result, resultOf } from "./statistics.ts";
import { StockGuest } from "./stock-guest.ts";

const durationMs = 60_000;
/** What a boot and a create leave to do has been done by then. */
const settleMs = 20_000;
const environmentName = "idle";
const hostCpuLimitPercent = 1;
const hostMemoryLimitMegabytes = 120;
const pidFileSchema = z.object({ pid: z.number() });

/** What Berth costs while nobody does anything: one running environment, no client. The VM is held against a stock guest without one. */
export async function idle({ product, samplesFolder, cacheFolder, say }: BenchContext): Promise<Result[]> {
  must(product.create(join(samplesFolder, "node-web"), environmentName));
  const paths = berthPaths(product.env);
  const { pid: hostPid } = await createClient(HostService, hostTransport(new HostSessions(paths.apiSocket))).getHost({});
  const vmPid = pidFileSchema.parse(JSON.parse(await readFile(join(paths.machines, "default/qemu.json"), "utf8"))).pid;
  say("letting it settle, then watching for 60 s");
  await new Promise<void>((resolve) => setTimeout(resolve, settleMs));
  const [host, vm] = await Promise.all([watchIdle(hostPid, durationMs), watchIdle(vmPid, durationMs)]);
  must(product.berth("delete", environmentName, "--force"));
  must(product.berth("machine", "stop"));
  const stock = await StockGuest.prepare(
    cacheFolder,
    await hardwareOf(
      new QemuDriver({ machinesFolder: paths.machines, runFolder: paths.run, arch: hostImageArch(), log: silentLog, env: product.env }),
    ),
    say,
  );
  try {
    say("booting the stock guest and watching it for 60 s");
    await stock.bootUntilDocker();
    await new Promise<void>((resolve) => setTimeout(resolve, settleMs));
    const baseline = await watchIdle(stock.pid, durationMs);
    await stock.shutDown();
    return [
      resultOf("idle.host-cpu", "%", { ours: [host.cpuPercent], baseline: [hostCpuLimitPercent] }, 1),
      resultOf("idle.host-rss", "MB", { ours: [host.residentMegabytes], baseline: [hostMemoryLimitMegabytes] }, 1),
      resultOf("idle.vm-cpu", "%", { ours: [vm.cpuPercent], baseline: [baseline.cpuPercent] }),
      resultOf("idle.vm-rss", "MB", { ours: [vm.residentMegabytes], baseline: [baseline.residentMegabytes] }),
    ];
  } finally {
    stock.kill();
  }
}
