import { join } from "node:path";

export const version = "0.1.0";

/** The machine all environments of this computer share. */
export const machineId = "default";
export const defaultDataDiskBytes = 64 * 1024 ** 3;
const maxDefaultMemoryBytes = 8 * 1024 ** 3;
const minCpus = 2;

export interface MachineSize {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly dataDiskLimitBytes: number;
}

/** How big the shared machine is on a computer of this size. */
export function machineSize(computer: { readonly cpus: number; readonly memoryBytes: number }): MachineSize {
  return {
    cpus: Math.max(minCpus, computer.cpus),
    memoryBytes: Math.min(maxDefaultMemoryBytes, Math.floor(computer.memoryBytes / 2)),
    dataDiskLimitBytes: defaultDataDiskBytes,
  };
}

/** Where machine images are looked for. */
export function imagesFolder(env: NodeJS.ProcessEnv): string {
  return env["BERTH_IMAGES"] ?? join(import.meta.dirname, "../../.cache/images");
}
