import { constants } from "node:fs";
import { access, readFile, statfs } from "node:fs/promises";
import { connect } from "node:http2";
import { cpus, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { findProgram } from "../../lib/find-program.ts";
import { messageOf } from "../../lib/log.ts";
import type { DriverProbe } from "../../vm/driver.ts";

const planeTimeoutMs = 10_000;
const neededPrograms = ["qemu-system-x86_64", "qemu-system-aarch64", "qemu-img", "passt", "virtiofsd", "systemctl"] as const;
/** Where Debian keeps programs that no person starts. */
const programFolders: readonly string[] = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/libexec", "/usr/lib/qemu"];

/** What was seen of a computer that is to be a runner. Undefined is what could not be seen. */
export interface HostFacts {
  readonly platform: string;
  readonly arch: string;
  readonly isRoot: boolean;
  readonly nodeVersion: string;
  /** systemd is the first process. */
  readonly hasSystemd: boolean;
  readonly probe: DriverProbe;
  /** This computer is a virtual machine itself. */
  readonly isVirtual: boolean;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly diskFreeBytes: number;
  readonly hasCgroupsV2: boolean;
  /** What the control group of this process allows, where that is less than the computer has. */
  readonly memoryLimitBytes: number | undefined;
  readonly maxProcesses: number | undefined;
  readonly maxOpenFiles: number | undefined;
  readonly hasTun: boolean;
  readonly mayUnshareUsers: boolean;
  readonly programs: ReadonlyMap<string, string>;
  readonly plane: PlaneReach;
}

/** How a plane answered. */
export type PlaneReach =
  | { readonly kind: "none" }
  | { readonly kind: "reached"; readonly url: string; readonly clockSkewMs: number | undefined }
  | { readonly kind: "unreachable"; readonly url: string; readonly reason: string };

export interface FactSources {
  readonly env: NodeJS.ProcessEnv;
  /** Where machines and working copies will be. */
  readonly stateFolder: string;
  readonly planeUrl: string | undefined;
  readonly probe: (signal: AbortSignal) => Promise<DriverProbe>;
  readonly nowMs: () => number;
}

/** Looks at this computer without changing it. */
export async function collectHostFacts(sources: FactSources, signal: AbortSignal): Promise<HostFacts> {
  const { env, stateFolder, planeUrl, probe, nowMs } = sources;
  const [limits, cpuinfo, memoryMax, pidsMax, controllers, userns, apparmor, disk] = await Promise.all([
    text("/proc/self/limits"),
    text("/proc/cpuinfo"),
    ownCgroup("memory.max"),
    ownCgroup("pids.max"),
    text("/sys/fs/cgroup/cgroup.controllers"),
    text("/proc/sys/kernel/unprivileged_userns_clone"),
    text("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
    statfs(await existing(stateFolder)),
  ]);
  return {
    platform: process.platform,
    arch: process.arch,
    isRoot: process.getuid?.() === 0,
    nodeVersion: process.versions.node,
    hasSystemd: await isThere("/run/systemd/system"),
    probe: await probe(signal),
    isVirtual: /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo ?? ""),
    cpus: cpus().length,
    memoryBytes: totalmem(),
    diskFreeBytes: disk.bavail * disk.bsize,
    hasCgroupsV2: controllers !== undefined,
    memoryLimitBytes: numberIn(memoryMax),
    maxProcesses: numberIn(pidsMax),
    maxOpenFiles: numberIn(/^Max open files\s+\S+\s+(\S+)/m.exec(limits ?? "")?.[1]),
    hasTun: await isThere("/dev/net/tun"),
    mayUnshareUsers: userns?.trim() !== "0" && apparmor?.trim() !== "1",
    programs: new Map(
      neededPrograms.flatMap((name) => {
        const path = findProgram(name, env["PATH"], programFolders);
        return path === undefined ? [] : [[name, path] as const];
      }),
    ),
    plane: planeUrl === undefined ? { kind: "none" } : await reach(planeUrl, nowMs, signal),
  };
}

/** Any answer over HTTP/2 counts, as the runner speaks it: which methods there are is for the sign-up to find out. */
async function reach(url: string, nowMs: () => number, signal: AbortSignal): Promise<PlaneReach> {
  const { origin, pathname } = new URL(url);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(planeTimeoutMs)]);
  const session = connect(origin);
  try {
    const date = await new Promise<string | undefined>((resolve, reject) => {
      limit.addEventListener("abort", () => reject(new Error("it did not answer in time")));
      session.once("error", reject);
      const stream = session.request({ ":path": pathname });
      stream.once("error", reject).once("response", ({ date: said }) => resolve(said));
      stream.resume().end();
    });
    const dateMs = Date.parse(date ?? "");
    return { kind: "reached", url, clockSkewMs: Number.isNaN(dateMs) ? undefined : nowMs() - dateMs };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "unreachable", url, reason: messageOf(error) };
  } finally {
    session.destroy();
  }
}

async function text(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}

async function isThere(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}

async function ownCgroup(name: string): Promise<string | undefined> {
  const path = /^0::(.+)$/m.exec((await text("/proc/self/cgroup")) ?? "")?.[1];
  return path === undefined ? undefined : text(join("/sys/fs/cgroup", path, name));
}

/** Undefined for `max` and `unlimited` as well. */
function numberIn(value: string | undefined): number | undefined {
  const number = Number(value?.trim() ?? "");
  return value === undefined || value.trim() === "" || !Number.isFinite(number) ? undefined : number;
}

async function existing(path: string): Promise<string> {
  return (await isThere(path)) || dirname(path) === path ? path : existing(dirname(path));
}
