import { join } from "node:path";
import { findProgram } from "../lib/find-program.ts";
import type { Log } from "../lib/log.ts";
import type { BerthPaths } from "../lib/paths.ts";
import type { DriverProbe, MachineDriver } from "../vm/driver.ts";
import { hostImageArch } from "../vm/image/find-image.ts";
import { HttpImageDownload, type ImageProgress } from "../vm/image/fetch-image.ts";
import { type ImageSource, ImageStore } from "../vm/image/image-store.ts";
import { type UpgradeStep, upgradeSteps } from "../vm/image/machine-images.ts";
import { QemuDriver } from "../vm/qemu/qemu-driver.ts";
import { failBootImage } from "../vm/simulated/sentinels.ts";
import { SimulatedComputer, SimulatedDriver } from "../vm/simulated/simulated-driver.ts";
import { VzDriver } from "../vm/vz/vz-driver.ts";
import { imagesFolder } from "./settings.ts";

const slowProbe: Partial<DriverProbe> = {
  accelerator: "tcg",
  reason: "/dev/kvm is there, but a guest makes no progress with it",
  fix: "sudo usermod -aG kvm $USER",
};

export interface ChosenDriver {
  readonly driver: MachineDriver;
  /** What its machines boot. */
  readonly images: ImageSource;
  /** The memory of a computer that is simulated too. */
  readonly memoryBytes?: number;
  /** Told after each step of an upgrade that lasts. */
  readonly onUpgradeStep: (step: UpgradeStep) => void;
}

/**
 * The driver of this computer: on a Mac with Apple silicon Apple's Virtualization framework where vfkit is there,
 * else QEMU. BERTH_DRIVER=vz or qemu says which one it shall be. BERTH_DRIVER=simulated does without a hypervisor,
 * for tests and for work on what is above the driver; BERTH_SIMULATE=slow,fail-boot gives it a computer without
 * acceleration, and a machine that does not come up; memory-16g gives it so much memory. BERTH_SIMULATED_IMAGES is a folder of images of which the kernel
 * says what becomes of them (see simulated-image.ts), and BERTH_SIMULATE=die-at-STEP ends the host at a step of an
 * upgrade as `kill -9` would.
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
  const kind = driverKind(env, process);
  if (kind === "simulated") return chooseSimulated(env, paths, log);
  const machines = { machinesFolder: paths.machines, runFolder: join(paths.run, "m"), log, env };
  return {
    driver:
      kind === "vz"
        ? new VzDriver({ ...machines, rosetta: env["BERTH_ROSETTA"] === "1" })
        : new QemuDriver({ ...machines, arch: hostImageArch() }),
    images: new ImageStore({
      folder: paths.images,
      offeredFolder: imagesFolder(env),
      arch: hostImageArch(),
      ...downloadOf(env, log),
    }),
    onUpgradeStep: () => undefined,
  };
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

/** BERTH_IMAGE_URL: where an image comes from when none came along. */
function downloadOf(env: NodeJS.ProcessEnv, log: Log): { readonly download?: HttpImageDownload } {
  const url = env["BERTH_IMAGE_URL"];
  if (url === undefined || url === "") return {};
  let told = 0;
  const onProgress = ({ receivedBytes, totalBytes }: ImageProgress): void => {
    const tenths = Math.floor((10 * receivedBytes) / totalBytes);
    if (tenths > told) log.info("the machine image is being downloaded", { percent: 10 * tenths });
    told = tenths;
  };
  return { download: new HttpImageDownload({ url, arch: hostImageArch(), log, onProgress }) };
}

function chooseSimulated(env: NodeJS.ProcessEnv, paths: BerthPaths, log: Log): ChosenDriver {
  const faults = new Set((env["BERTH_SIMULATE"] ?? "").split(","));
  const dyingStep = upgradeSteps.find((step) => faults.has(`die-at-${step}`));
  const onUpgradeStep = (step: UpgradeStep): void => {
    if (step === dyingStep) process.kill(process.pid, "SIGKILL");
  };
  const offeredFolder = env["BERTH_SIMULATED_IMAGES"];
  const memoryGib = /(?:^|,)memory-(\d+)g(?:,|$)/.exec(env["BERTH_SIMULATE"] ?? "")?.[1];
  return {
    ...(memoryGib === undefined ? {} : { memoryBytes: Number(memoryGib) * 1024 ** 3 }),
    driver: new SimulatedDriver({
      machinesFolder: paths.machines,
      computer: new SimulatedComputer(),
      ...(faults.has("slow") ? { probe: slowProbe } : {}),
    }),
    images:
      offeredFolder === undefined
        ? imageWithoutFiles(faults.has(failBootImage) ? failBootImage : "simulated")
        : new ImageStore({
            folder: paths.images,
            offeredFolder,
            arch: hostImageArch(),
            onStep: onUpgradeStep,
            ...downloadOf(env, log),
          }),
    onUpgradeStep,
  };
}

function imageWithoutFiles(sha256: string): ImageSource {
  return {
    fetch: async () => undefined,
    offered: async () => ({ identity: sha256, dataSchema: 1 }),
    isThere: async (identity) => identity === sha256,
    open: async () => ({ sha256, arch: "amd64", kernelPath: "", initrdPath: "", rootPath: "" }),
    sizeBytes: async () => 0,
    keepOnly: async () => undefined,
  };
}
