import { readFileSync } from "node:fs";

const ticksPerSecond = 100;

export interface ProcessUsage {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

/** What a process has used so far, from the texts of /proc/<pid>/stat and /proc/<pid>/status. */
export function parseUsage(stat: string, status: string): ProcessUsage {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (resident === undefined) throw new Error("the process has ended");
  return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond, residentBytes: Number(resident) * 1024 };
}

/** What a process has used so far; fails when it has ended. */
export function readProcessUsage(pid: number): ProcessUsage {
  return parseUsage(readFileSync(`/proc/${pid}/stat`, "utf8"), readFileSync(`/proc/${pid}/status`, "utf8"));
}

export interface IdleUsage {
  readonly cpuPercent: number;
  readonly residentMegabytes: number;
}

/** What a process uses over a time, in per cent of one core and megabytes at the end. */
export async function watchIdle(pid: number, durationMs: number): Promise<IdleUsage> {
  const startedAtMs = performance.now();
  const before = readProcessUsage(pid);
  await new Promise<void>((resolve) => setTimeout(resolve, durationMs));
  const after = readProcessUsage(pid);
  const seconds = (performance.now() - startedAtMs) / 1000;
  return { cpuPercent: ((after.cpuSeconds - before.cpuSeconds) / seconds) * 100, residentMegabytes: after.residentBytes / 1e6 };
}
