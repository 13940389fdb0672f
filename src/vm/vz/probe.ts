import { execFile } from "node:child_process";
import { release } from "node:os";
import { promisify } from "node:util";
import { findProgram } from "../../lib/find-program.ts";
import type { DriverProbe } from "../driver.ts";

const run = promisify(execFile);
const versionTimeoutMs = 10_000;
/** The first with `--pidfile`; `virtio-balloon` is one older. */
const minimumVersion = [0, 6, 2] as const;
/** Darwin 22 is macOS 13, which vfkit needs. */
const minimumDarwin = 22;

export interface VfkitProbeOptions {
  readonly path?: string;
  /** Looked in beside the path; the usual ones when not given. */
  readonly extraFolders?: readonly string[];
  readonly platform: NodeJS.Platform;
}

/** Finds vfkit and sees that it and the system are new enough. */
export async function probeVfkit({ path, extraFolders, platform }: VfkitProbeOptions, signal: AbortSignal): Promise<DriverProbe> {
  const unusable = (reason: string, fix: string, version = ""): DriverProbe => ({ usable: false, accelerator: "vz", reason, fix, version });
  const vfkit = findProgram("vfkit", path, extraFolders);
  if (vfkit === undefined) return unusable("vfkit is not in the PATH", "brew install vfkit");
  if (platform === "darwin" && Number(release().split(".")[0]) < minimumDarwin)
    return unusable("Apple's Virtualization framework lacks what is needed before macOS 13", "Upgrade macOS");
  let said: string;
  try {
    said = (await run(vfkit, ["--version"], { timeout: versionTimeoutMs, signal })).stdout;
  } catch (error) {
    signal.throwIfAborted();
    return unusable(`${vfkit} does not run: ${error instanceof Error ? error.message : String(error)}`, "brew reinstall vfkit");
  }
  const version = /version: v?(\d+\.\d+\.\d+)/.exec(said)?.[1] ?? "";
  if (!isAtLeast(version, minimumVersion))
    return unusable(`vfkit ${version} is too old; ${minimumVersion.join(".")} or newer is needed`, "brew upgrade vfkit", version);
  return { usable: true, accelerator: "vz", reason: "", fix: "", version };
}

function isAtLeast(version: string, minimum: readonly number[]): boolean {
  const parts = version.split(".").map(Number);
  const at = minimum.findIndex((part, index) => parts[index] !== part);
  return at < 0 || (parts[at] ?? -1) > (minimum[at] ?? 0);
}
