import { readFileSync, statfsSync } from "node:fs";

export interface MachineUsageView {
  readonly memoryTotalBytes: number;
  readonly memoryAvailableBytes: number;
  readonly dataDiskTotalBytes: number;
  readonly dataDiskFreeBytes: number;
  readonly loadAverage1m: number;
}

/** Memory and disk of the machine as its kernel sees them. */
export function readUsage(dataFolder: string): MachineUsageView {
  const memory = new Map(
    readFileSync("/proc/meminfo", "utf8")
      .split("\n")
      .map((line) => [line.slice(0, line.indexOf(":")), Number(/(\d+)/.exec(line)?.[1] ?? 0) * 1024] as const),
  );
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
