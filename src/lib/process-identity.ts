import { readFileSync } from "node:fs";

/** A process told apart from a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat (proc_pid_stat(5)); 0 where there is no /proc. */
  readonly startTicks: number;
}

/** The identity of a living process, or undefined. A zombie is not alive, unless threads of it still hold its files. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  if (process.platform !== "linux") return isAlive(pid) ? { pid, startTicks: 0 } : undefined;
  try {
    const startTicks = startOfLiving(readFileSync(`/proc/${pid}/stat`, "utf8"));
    return startTicks === undefined ? undefined : { pid, startTicks };
  } catch {
    return undefined;
  }
}

/** Field 22 of a line of /proc/<pid>/stat, unless nothing of the process lives: fields 3 and 20 are its state and threads. */
export function startOfLiving(stat: string): number | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ended = fields[0] === "Z" || fields[0] === "X";
  return ended && Number(fields[17]) <= 1 ? undefined : Number(fields[19]);
}

/** True while the very same process lives. */
export function isSameProcess(identity: ProcessIdentity): boolean {
  const now = identifyProcess(identity.pid);
  return now !== undefined && now.startTicks === identity.startTicks;
}

/** Signals a process unless another one has its number by now. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isSameProcess(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch {
    // It ended between the look and the signal.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
