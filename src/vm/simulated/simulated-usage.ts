import type { SimulatedDisk, SimulatedEnvironment } from "./simulated-disk.ts";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";

const mebibyte = 1024n ** 2n;
const periodMs = 60_000;
const totalDiskBytes = 64n << 30n;
const baseDiskBytes = 4n << 30n;
const unusedImages = 900n * mebibyte;
const buildCache = 1500n * mebibyte;

/** Figures that rise and fall as those of a program at work do; each environment has its own course. */
export class SimulatedUsage {
  readonly #disk: SimulatedDisk;
  #reclaimed = false;

  constructor(disk: SimulatedDisk) {
    this.#disk = disk;
  }

  environments(nowMs: number) {
    return this.#all().map(([environmentId, environment], i) => {
      const runs = environment.container === "running";
      const wave = 1 + Math.sin(((nowMs + i * 7000) * 2 * Math.PI) / periodMs);
      return {
        environmentId,
        memoryBytes: runs ? BigInt(Math.round((180 + 120 * i + 60 * wave) * Number(mebibyte))) : 0n,
        cpuNanoseconds: runs ? BigInt(Math.round(cpuMs(nowMs, i) * 1e6)) : 0n,
        memoryLimitBytes: 0n,
        processes: runs ? 12 + i : 0,
        ...this.#diskOf(environment),
      };
    });
  }

  bill(nowMs: number) {
    const environments = this.#all().map(([environmentId, environment]) => ({
      environmentId,
      ...this.#diskOf(environment),
      imagesBytes: environment.container === "absent" ? 0n : 620n * mebibyte,
      volumesBytes: environment.container === "absent" ? 0n : 48n * mebibyte,
    }));
    const used = environments.reduce(
      (sum, e) => sum + e.workingCopyBytes + e.containerBytes + e.imagesBytes + e.volumesBytes,
      baseDiskBytes,
    );
    return {
      environments,
      sharedImagesBytes: 1100n * mebibyte,
      unusedImagesBytes: unusedImages,
      buildCacheBytes: this.#reclaimed ? 0n : buildCache,
      otherVolumesBytes: 30n * mebibyte,
      totalBytes: totalDiskBytes,
      freeBytes: totalDiskBytes - used - (this.#reclaimed ? 0n : buildCache),
      measuredAt: timestampFromMs(nowMs),
    };
  }

  /** The bytes that were freed. */
  reclaim(): bigint {
    const freed = this.#reclaimed ? 0n : buildCache;
    this.#reclaimed = true;
    return freed;
  }

  #all(): [string, SimulatedEnvironment][] {
    return Object.entries(this.#disk.content.environments);
  }

  #diskOf(environment: SimulatedEnvironment) {
    return {
      workingCopyBytes: environment.contentReady ? BigInt(40 + environment.directoryName.length) * mebibyte : 0n,
      containerBytes: environment.container === "absent" ? 0n : 90n * mebibyte,
    };
  }
}

/** The integral of a load between 0 and 0.8 of a processor, so that its slope is that load. */
function cpuMs(nowMs: number, index: number): number {
  const angle = ((nowMs + index * 11_000) * 2 * Math.PI) / periodMs;
  return 0.4 * (nowMs % 1e9) - (0.4 * periodMs * Math.cos(angle)) / (2 * Math.PI) + periodMs;
}
