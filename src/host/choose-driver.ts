import { join } from "node:path";
import type { Log } from "../lib/log.ts";
import type { BerthPaths } from "../lib/paths.ts";
import type { MachineDriver, MachineImage } from "../vm/driver.ts";
import { findImage, hostImageArch } from "../vm/image/find-image.ts";
import { QemuDriver } from "../vm/qemu/qemu-driver.ts";
import { SimulatedComputer, SimulatedDriver } from "../vm/simulated/simulated-driver.ts";
import { imagesFolder } from "./settings.ts";

const simulatedImage: MachineImage = { sha256: "simulated", arch: "amd64", kernelPath: "", initrdPath: "", rootPath: "" };

export interface ChosenDriver {
  readonly driver: MachineDriver;
  /** What its machines boot; fails with `image-missing` or `image-corrupt`. */
  readonly image: () => Promise<MachineImage>;
}

/** The driver of this computer. BERTH_DRIVER=simulated does without a hypervisor, for tests and for work on what is above the driver. */
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
    return {
      driver: new SimulatedDriver({ machinesFolder: paths.machines, computer: new SimulatedComputer() }),
      image: async () => simulatedImage,
    };
  }
  return {
    driver: new QemuDriver({ machinesFolder: paths.machines, runFolder: join(paths.run, "m"), arch: hostImageArch(), log, env }),
    image: async () => findImage(imagesFolder(env), hostImageArch()),
  };
}
