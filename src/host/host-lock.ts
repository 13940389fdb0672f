import { BerthError } from "../contract/berth-error.ts";
import { type ProcessLock, tryProcessLock } from "../lib/process-lock.ts";

/** Makes this process the only host of a folder until it ends. Fails with `host-running`. */
export function lockHost(path: string): ProcessLock {
  const lock = tryProcessLock(path);
  if (lock === undefined) throw new BerthError("host-running", `a host holds ${path} already`);
  return lock;
}
