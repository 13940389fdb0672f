import { join } from "node:path";
import { findProgram } from "../lib/find-program.ts";
import type { Log } from "../lib/log.ts";
import type { BerthPaths } from "../lib/paths.ts";
import type { DriverProbe, MachineDriver, MachineImage } from "../vm/driver.ts";
import { findImage, hostImageArch } from "../vm/image/find-image.ts";
import { QemuDriver } from "../vm/qemu/qemu-driver.ts";
import { failBootImage } from "../vm/simulated/sentinels.ts";
import { SimulatedComputer, SimulatedDriver } from "../vm/simulated/simulated-driver.ts";
import { VzDriver } from "../vm/vz/vz-driver.ts";
import { imagesFolder } from "./settings.ts";

const simulatedImage: MachineImage = { sha256: "simulated", arch: "amd64", kernelPath: "", initrdPath: "", rootPath: "" };
const slowProbe: Partial<DriverProbe> = {
  accelerator: "tcg",
  reason: "/dev/kvm is there, but a guest makes no progress with it",
  fix: "sudo usermod -aG kvm $USER",
};

export interface ChosenDriver {
  readonly driver: MachineDriver;
  /** What its machines boot; fails with `image-missing` or `image-corrupt`. */
  readonly image: () => Promise<MachineImage>;
}

/**
 * The driver of this computer: on a Mac with Apple silicon Apple's Virtualization framework where vfkit is there,
 * else QEMU. BERTH_DRIVER=vz or qemu says which one it shall be. BERTH_DRIVER=simulated does without a hypervisor,
 * for tests and for work on what is above the driver; BERTH_SIMULATE=slow,fail-boot gives it a computer without
 * acceleration, and a machine that does not come up.
 */
export function chooseDriver({
  env,
  paths,
  log,
}: {
  readonly env: NodeJS.ProcessEnv;
  readonly paths: BerthPaths;
  readonly log: Log;
}): ChosenDriver {
  const image = async (): Promise<MachineImage> => findImage(imagesFolder(env), hostImageArch());
  const kind = driverKind(env, process);
  if (kind === "simulated") {
    const faults = new Set((env["BERTH_SIMULATE"] ?? "").split(","));
    return {
      driver: new SimulatedDriver({
        machinesFolder: paths.machines,
        computer: new SimulatedComputer(),
        ...(faults.has("slow") ? { probe: slowProbe } : {}),
      }),
      image: async () => (faults.has(failBootImage) ? { ...simulatedImage, sha256: failBootImage } : simulatedImage),
    };
  }
  const machines = { machinesFolder: paths.machines, runFolder: join(paths.run, "m"), log, env };
  return kind === "vz"
    ? { driver: new VzDriver({ ...machines, rosetta: env["BERTH_ROSETTA"] === "1" }), image }
    : { driver: new QemuDriver({ ...machines, arch: hostImageArch() }), image };
}

/** Which driver it is to be; whether it is usable is for its probe to say. */
export function driverKind(
  env: NodeJS.ProcessEnv,
  { platform, arch }: Pick<NodeJS.Process, "platform" | "arch">,
): "simulated" | "vz" | "qemu" {
  const wanted = env["BERTH_DRIVER"];
  if (wanted === "simulated" || wanted === "vz" || wanted === "qemu") return wanted;
  return platform === "darwin" && arch === "arm64" && findProgram("vfkit", env["PATH"]) !== undefined ? "vz" : "qemu";
}
