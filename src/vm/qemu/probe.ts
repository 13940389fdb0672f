import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { promisify } from "node:util";
import { z } from "zod";
import { BerthError } from "../../contract/berth-error.ts";
import { writeFileAtomically } from "../../lib/atomic-file.ts";
import type { DriverProbe } from "../driver.ts";
import { findProgram } from "../../lib/find-program.ts";
import { canarySings } from "./canary.ts";

const run = promisify(execFile);
const versionTimeoutMs = 10_000;
const minimumMajorVersion = 7;

const cacheSchema = z.object({
  bootId: z.string(),
  /** Which file said `version`: asking QEMU takes a tenth of what continuing a machine does. */
  program: z.string().default(""),
  version: z.string(),
  accelerator: z.enum(["kvm", "hvf", "tcg"]),
  reason: z.string(),
  fix: z.string(),
});

export interface ProbeOptions {
  readonly arch: "amd64" | "arm64";
  readonly cachePath: string;
  /** BERTH_ACCELERATOR: skips the canary. */
  readonly wanted: string | undefined;
  readonly path?: string;
  /** Looked in beside the path; the usual ones when not given. */
  readonly extraFolders?: readonly string[];
}

/** The QEMU program for a guest architecture; fails with `hypervisor-missing`. */
export function qemuProgram(arch: "amd64" | "arm64", path?: string, extraFolders?: readonly string[]): string {
  const name = arch === "arm64" ? "qemu-system-aarch64" : "qemu-system-x86_64";
  const found = findProgram(name, path, extraFolders);
  if (found === undefined) throw new BerthError("hypervisor-missing", `${name} is not in the PATH`);
  return found;
}

/** Finds out how fast machines can run here. /dev/kvm may open and be useless, so a guest is timed. */
export async function probeQemu(options: ProbeOptions, signal: AbortSignal): Promise<DriverProbe> {
  let qemu: string;
  try {
    qemu = qemuProgram(options.arch, options.path, options.extraFolders);
  } catch (error) {
    return {
      usable: false,
      accelerator: "tcg",
      reason: error instanceof BerthError ? error.detail : String(error),
      fix: `sudo apt-get install ${options.arch === "arm64" ? "qemu-system-arm" : "qemu-system-x86"} qemu-utils passt`,
      version: "",
    };
  }
  const program = await fileIdentity(qemu);
  const cached = cacheSchema.safeParse(parseJson(await readFile(options.cachePath, "utf8").catch(() => ""))).data;
  const version = cached?.program === program ? cached.version : await qemuVersion(qemu, signal);
  if (Number(version.split(".")[0]) < minimumMajorVersion) {
    return {
      usable: false,
      accelerator: "tcg",
      reason: `QEMU ${version} is too old; ${minimumMajorVersion}.0 or newer is needed`,
      fix: "Upgrade QEMU",
      version,
    };
  }
  if (options.wanted === "tcg" || options.wanted === "kvm" || options.wanted === "hvf")
    return { usable: true, accelerator: options.wanted, reason: "", fix: "", version };
  const bootId = await hostBootId();
  if (cached?.bootId === bootId && cached.program === program) {
    const { accelerator, reason, fix } = cached;
    return { usable: true, accelerator, reason, fix, version };
  }
  const found = await timeAccelerators(qemu, options.arch, signal);
  await writeFileAtomically(options.cachePath, JSON.stringify({ bootId, program, version, ...found }));
  return { usable: true, version, ...found };
}

async function timeAccelerators(
  qemu: string,
  arch: "amd64" | "arm64",
  signal: AbortSignal,
): Promise<Pick<DriverProbe, "reason" | "fix"> & { accelerator: "kvm" | "hvf" | "tcg" }> {
  const native = arch === (process.arch === "arm64" ? "arm64" : "amd64");
  if (!native) return { accelerator: "tcg", reason: `a ${arch} machine is emulated on this computer`, fix: "" };
  if (process.platform === "darwin") {
    return process.arch === "arm64" || (await canarySings(qemu, "hvf", signal))
      ? { accelerator: "hvf", reason: "", fix: "" }
      : { accelerator: "tcg", reason: "the hypervisor framework does not work here", fix: "" };
  }
  const device = await readFile("/dev/kvm").then(
    () => "open",
    (error: NodeJS.ErrnoException) => error.code ?? "",
  );
  if (device === "ENOENT")
    return {
      accelerator: "tcg",
      reason: "there is no /dev/kvm",
      fix: "Switch on virtualization (VT-x, AMD-V) in the firmware settings; in a virtual machine, nested virtualization",
    };
  if (device === "EACCES" || device === "EPERM")
    return { accelerator: "tcg", reason: "/dev/kvm may not be opened by this user", fix: "sudo usermod -aG kvm $USER, then sign in again" };
  // The canary is x86 code; on arm64 the device is trusted.
  if (arch === "arm64" || (await canarySings(qemu, "kvm", signal))) return { accelerator: "kvm", reason: "", fix: "" };
  return {
    accelerator: "tcg",
    reason: "/dev/kvm is there, but a guest makes no progress under it",
    fix: "This is common inside virtual machines; machines run emulated, 5 to 10 times slower",
  };
}

/** Another one when a package's upgrade has replaced the file. */
async function fileIdentity(path: string): Promise<string> {
  const { ino, size, mtimeMs } = await stat(path);
  return `${path} ${ino} ${size} ${mtimeMs}`;
}

async function qemuVersion(qemu: string, signal: AbortSignal): Promise<string> {
  const { stdout } = await run(qemu, ["--version"], { timeout: versionTimeoutMs, signal });
  return /version (\d+\.\d+(?:\.\d+)?)/.exec(stdout)?.[1] ?? "0";
}

async function hostBootId(): Promise<string> {
  return (await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "unknown")).trim();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
