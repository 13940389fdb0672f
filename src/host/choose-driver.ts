import { join } from "node:path";
import type { Log } from "../lib/log.ts";
import type { BerthPaths } from "../lib/paths.ts";
import type { DriverProbe, MachineDriver, MachineImage } from "../vm/driver.ts";
import { findImage, hostImageArch } from "../vm/image/find-image.ts";
import { QemuDriver } from "../vm/qemu/qemu-driver.ts";
import { failBootImage } from "../vm/simulated/sentinels.ts";
import { SimulatedComputer, SimulatedDriver } from "../vm/simulated/simulated-driver.ts";
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
 * The driver of this computer. BERTH_DRIVER=simulated does without a hypervisor, for tests and for work on what is
 * above the driver; BERTH_SIMULATE=slow,fail-boot gives it a computer without acceleration, and a machine that does
 * not come up.
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
  if (env["BERTH_DRIVER"] === "simulated") {
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
  return {
    driver: new QemuDriver({ machinesFolder: paths.machines, runFolder: join(paths.run, "m"), arch: hostImageArch(), log, env }),
    image: async () => findImage(imagesFolder(env), hostImageArch()),
  };
}
