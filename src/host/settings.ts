import { join } from "node:path";
import { programArguments } from "../lib/programs.ts";

export const version = "0.1.0";

/** The machine all environments of this computer share. */
export const machineId = "default";
const defaultDataDiskBytes = 64 * 1024 ** 3;
const maxDefaultMemoryBytes = 8 * 1024 ** 3;
const minCpus = 2;

/** How big a machine is. */
export interface MachineSize {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly dataDiskLimitBytes: number;
}

/** How big the shared machine is on a computer of this size, unless the person wants it otherwise. */
export function defaultMachineSize(computer: { readonly cpus: number; readonly memoryBytes: number }): MachineSize {
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

/** Where the built UI is. */
export function uiFolder(env: NodeJS.ProcessEnv): string {
  return env["BERTH_UI"] ?? join(import.meta.dirname, "../../.cache/app/renderer");
}

/** What ssh runs to reach an environment, but for the environment's id. */
export function proxyCommand(): readonly [string, ...string[]] {
  return [process.execPath, ...programArguments("proxy")];
}
