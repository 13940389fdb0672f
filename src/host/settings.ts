import { existsSync } from "node:fs";
import { join } from "node:path";
import { programArguments } from "../lib/programs.ts";

const defaultDataDiskBytes = 64 * 1024 ** 3;
const maxDefaultMemoryBytes = 8 * 1024 ** 3;
const minCpus = 2;
const maxDefaultDedicatedCpus = 2;
const maxDefaultDedicatedMemoryBytes = 2 * 1024 ** 3;

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

/** How big the machine is that an environment has to itself, unless the person wants it otherwise. */
export function defaultDedicatedSize(computer: { readonly cpus: number; readonly memoryBytes: number }): MachineSize {
  return {
    cpus: Math.min(maxDefaultDedicatedCpus, computer.cpus),
    memoryBytes: Math.min(maxDefaultDedicatedMemoryBytes, Math.floor(computer.memoryBytes / 2)),
    dataDiskLimitBytes: defaultDataDiskBytes,
  };
}

/** Where machine images are looked for: in the app they lie beside its programs. */
export function imagesFolder(env: NodeJS.ProcessEnv): string {
  return env["BERTH_IMAGES"] ?? firstThere("../images", "../../.cache/images");
}

/** Where the built UI is. */
export function uiFolder(env: NodeJS.ProcessEnv): string {
  return env["BERTH_UI"] ?? firstThere("renderer", "../../.cache/app/renderer");
}

/** The first of these, from this program's folder, that is there; the last one when none is. */
function firstThere(...paths: readonly [string, ...string[]]): string {
  const full = paths.map((path) => join(import.meta.dirname, path));
  return full.find((path) => existsSync(path)) ?? full.at(-1) ?? "";
}

/** What ssh runs to reach an environment, but for the environment's id. */
export function proxyCommand(env: NodeJS.ProcessEnv): readonly [string, ...string[]] {
  // In the app this process is none of Node's, and its bundles lie in an archive that no other program reads.
  const programs = env["BERTH_PROGRAMS"];
  if (programs !== undefined) return [join(programs, "node"), join(programs, "proxy.mjs")];
  return [process.execPath, ...programArguments("proxy")];
}
