import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { berthPaths } from "../../lib/paths.ts";
import { silentLog } from "../../lib/log.ts";
import type { DriverProbe } from "../../vm/driver.ts";
import { hostImageArch } from "../../vm/image/find-image.ts";
import { probeQemu } from "../../vm/qemu/probe.ts";
import { chooseDriver, driverKind } from "../choose-driver.ts";

/** Times a canary guest as the driver does before its first machine, and leaves nothing behind. */
export async function probeComputer(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<DriverProbe> {
  if (driverKind(env, process) === "simulated") return chooseDriver({ env, paths: berthPaths(env), log: silentLog }).driver.probe(signal);
  const folder = await mkdtemp(join(tmpdir(), "berth-probe-"));
  try {
    const cachePath = join(folder, "accelerator.json");
    return await probeQemu({ arch: hostImageArch(), cachePath, wanted: env["BERTH_ACCELERATOR"] }, signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
