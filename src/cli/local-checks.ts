import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { errorEntry } from "../contract/error-catalogue.ts";
import { type Diagnosis, Diagnosis_Severity, DiagnosisSchema } from "../contract/gen/berth/v1/host_pb.js";
import { findProgram } from "../lib/find-program.ts";
import type { BerthPaths } from "../lib/paths.ts";
import { formatBytes } from "./format.ts";

const minNodeMajor = 24;
const tooLittleDiskBytes = 2 * 1024 ** 3;
const { OK, ERROR } = Diagnosis_Severity;

export interface LocalFacts {
  readonly env: NodeJS.ProcessEnv;
  readonly paths: BerthPaths;
  readonly nodeVersion: string;
  readonly arch: string;
}

/** What can be looked at without a host, for when none starts. */
export async function checkLocally(facts: LocalFacts): Promise<Diagnosis[]> {
  return [node(facts), hypervisor(facts), home(facts), await disk(facts), lock(facts)];
}

/** The failure that kept a host from starting, as a diagnosis. */
export function startFailure(code: string, detail: string): Diagnosis {
  return found("host", ERROR, "Berth's background process", `${errorEntry(code).title}: ${detail}`, errorEntry(code).whatToTry);
}

function node({ nodeVersion }: LocalFacts): Diagnosis {
  return Number(nodeVersion.split(".")[0]) >= minNodeMajor
    ? found("node", OK, "Node.js", nodeVersion)
    : found("node", ERROR, "Node.js", `${nodeVersion} is too old`, `Use Node.js ${minNodeMajor} or newer`);
}

function hypervisor({ env, arch }: LocalFacts): Diagnosis {
  const title = "Hypervisor";
  if (env["BERTH_DRIVER"] === "simulated") return found("hypervisor", OK, title, "simulated");
  const qemu = arch === "arm64" ? "qemu-system-aarch64" : "qemu-system-x86_64";
  const mayUseVfkit = env["BERTH_DRIVER"] !== "qemu" && process.platform === "darwin" && arch === "arm64";
  const names = env["BERTH_DRIVER"] === "vz" ? ["vfkit"] : mayUseVfkit ? ["vfkit", qemu] : [qemu];
  const path = names.map((name) => findProgram(name, env["PATH"])).find((each) => each !== undefined);
  return path === undefined
    ? found("hypervisor", ERROR, title, `${names.join(" or ")} was not found`, errorEntry("hypervisor-missing").whatToTry)
    : found("hypervisor", OK, title, path);
}

function home({ paths }: LocalFacts): Diagnosis {
  const title = "Berth's folder";
  const folder = existingParent(paths.home);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return found("home", OK, title, paths.home);
  } catch {
    return found(
      "home",
      ERROR,
      title,
      `${folder} cannot be written to`,
      `sudo chown -R $USER ${folder}, or set BERTH_HOME to another folder`,
    );
  }
}

async function disk({ paths }: LocalFacts): Promise<Diagnosis> {
  const { bavail, bsize } = await statfs(existingParent(paths.home));
  const detail = `${formatBytes(bavail * bsize)} free for ${paths.home}`;
  return bavail * bsize < tooLittleDiskBytes
    ? found("disk", ERROR, "Disk of this computer", detail, errorEntry("host-disk-full").whatToTry)
    : found("disk", OK, "Disk of this computer", detail);
}

function lock({ paths }: LocalFacts): Diagnosis {
  const title = "Lock";
  const path = join(paths.home, "host.lock");
  if (!existsSync(path)) return found("lock", OK, title, "free");
  const pid = lockHolder(path);
  if (pid === undefined) return found("lock", OK, title, "free");
  return found(
    "lock",
    ERROR,
    title,
    `process ${pid} (${commandOf(pid)}) holds ${path} and does not answer`,
    `If it does not answer in a minute, end it with: kill ${pid}`,
  );
}

/** The process with a lock on a file, as Linux tells it; undefined when there is none, and elsewhere. */
function lockHolder(path: string): number | undefined {
  try {
    const { ino } = statSync(path);
    const line = readFileSync("/proc/locks", "utf8")
      .split("\n")
      .find((l) => new RegExp(`\\bWRITE\\s+\\d+\\s+[0-9a-f]+:[0-9a-f]+:${ino}\\s`).test(l));
    const pid = Number(/\bWRITE\s+(\d+)/.exec(line ?? "")?.[1] ?? 0);
    return pid === 0 ? undefined : pid;
  } catch {
    return undefined;
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim();
  } catch {
    return "it ended just now";
  }
}

function existingParent(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existingParent(dirname(path));
}

function found(id: string, severity: Diagnosis_Severity, title: string, detail: string, fix = ""): Diagnosis {
  return create(DiagnosisSchema, { id, severity, title, detail, fix });
}
