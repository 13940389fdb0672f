import type { DiskBill } from "../../../contract/gen/berth/v1/usage_pb.js";

/** The disk bill as people read it: largest first, with sums, and with what is nobody's. */
export interface Bill {
  readonly environments: readonly EnvironmentCost[];
  readonly sharedImagesBytes: number;
  readonly unusedImagesBytes: number;
  readonly buildCacheBytes: number;
  readonly otherVolumesBytes: number;
  /** The machine's own: docker's bookkeeping, logs, the file system itself. */
  readonly systemBytes: number;
  readonly usedBytes: number;
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface EnvironmentCost {
  readonly id: string;
  readonly name: string;
  readonly workingCopyBytes: number;
  readonly containerBytes: number;
  readonly imagesBytes: number;
  readonly volumesBytes: number;
  readonly totalBytes: number;
}

export function billOf(bill: DiskBill, nameOf: (id: string) => string): Bill {
  const environments = bill.environments
    .map((e): EnvironmentCost => {
      const [workingCopyBytes, containerBytes] = [Number(e.workingCopyBytes), Number(e.containerBytes)];
      const [imagesBytes, volumesBytes] = [Number(e.imagesBytes), Number(e.volumesBytes)];
      const totalBytes = workingCopyBytes + containerBytes + imagesBytes + volumesBytes;
      return {
        id: e.environmentId,
        name: nameOf(e.environmentId),
        workingCopyBytes,
        containerBytes,
        imagesBytes,
        volumesBytes,
        totalBytes,
      };
    })
    .toSorted((a, b) => b.totalBytes - a.totalBytes || a.name.localeCompare(b.name));
  const [sharedImagesBytes, unusedImagesBytes] = [Number(bill.sharedImagesBytes), Number(bill.unusedImagesBytes)];
  const [buildCacheBytes, otherVolumesBytes] = [Number(bill.buildCacheBytes), Number(bill.otherVolumesBytes)];
  const [totalBytes, freeBytes] = [Number(bill.totalBytes), Number(bill.freeBytes)];
  const usedBytes = Math.max(0, totalBytes - freeBytes);
  const told = environments.reduce(
    (sum, e) => sum + e.totalBytes,
    sharedImagesBytes + unusedImagesBytes + buildCacheBytes + otherVolumesBytes,
  );
  // Layers and files are counted at slightly different times: never less than nothing.
  const systemBytes = Math.max(0, usedBytes - told);
  return {
    environments,
    sharedImagesBytes,
    unusedImagesBytes,
    buildCacheBytes,
    otherVolumesBytes,
    systemBytes,
    usedBytes,
    freeBytes,
    totalBytes,
  };
}
