import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = "/sys/fs/cgroup";
const nanosecondsPerMicrosecond = 1000;

export interface CgroupFigures {
  readonly memoryBytes: number;
  /** 0: none of its own. */
  readonly memoryLimitBytes: number;
  readonly cpuNanoseconds: number;
  readonly processes: number;
}

/** The cgroup (version 2) of a process as a path below the root; undefined when it ended. */
export function cgroupOf(pid: number): string | undefined {
  return /^0::(\/.*)$/m.exec(read(`/proc/${pid}/cgroup`))?.[1];
}

/** What a cgroup uses now; undefined when it is gone. These files are the kernel's and answer at once. */
export function readCgroup(path: string): CgroupFigures | undefined {
  const folder = join(root, path);
  const current = read(join(folder, "memory.current"));
  if (current === "") return undefined;
  return {
    memoryBytes: Math.max(0, Number(current) - field(read(join(folder, "memory.stat")), "inactive_file")),
    memoryLimitBytes: Number(read(join(folder, "memory.max"))) || 0,
    cpuNanoseconds: field(read(join(folder, "cpu.stat")), "usage_usec") * nanosecondsPerMicrosecond,
    processes: Number(read(join(folder, "pids.current"))) || 0,
  };
}

function field(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
