import { readFileSync, statfsSync } from "node:fs";

export interface MachineUsageView {
  readonly memoryTotalBytes: number;
  readonly memoryAvailableBytes: number;
  readonly dataDiskTotalBytes: number;
  readonly dataDiskFreeBytes: number;
  readonly loadAverage1m: number;
}

/** The figures of /proc/meminfo (proc_meminfo(5)) in bytes. */
function readMemory(): ReadonlyMap<string, number> {
  const lines = readFileSync("/proc/meminfo", "utf8").split("\n");
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), Number(/(\d+)/.exec(line)?.[1] ?? 0) * 1024] as const));
}

/** Memory and disk of the machine as its kernel sees them. */
export function readUsage(dataFolder: string): MachineUsageView {
  const memory = readMemory();
  const disk = statfsSync(dataFolder);
  return {
    memoryTotalBytes: memory.get("MemTotal") ?? 0,
    memoryAvailableBytes: memory.get("MemAvailable") ?? 0,
    dataDiskTotalBytes: disk.blocks * disk.bsize,
    dataDiskFreeBytes: disk.bavail * disk.bsize,
    loadAverage1m: Number(readFileSync("/proc/loadavg", "utf8").split(" ")[0] ?? 0),
  };
}

export function dataDiskTotalBytes(dataFolder: string): number {
  const disk = statfsSync(dataFolder);
  return disk.blocks * disk.bsize;
}
