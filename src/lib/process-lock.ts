import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";

/** SQLITE_BUSY: another process holds the lock. */
const busyCode = 5;
/** How often a lock that another process holds is tried again; the system has no way to be told. */
const retryEveryMs = 20;

export interface ProcessLock {
  release(): void;
}

/**
 * Takes a lock that one process at a time has, or answers undefined. SQLite's exclusive transaction is a lock of the
 * operating system (fcntl), which Node does not offer by itself: it goes with the process, even after kill -9, and two
 * that start at once cannot both get it.
 */
export function tryProcessLock(path: string): ProcessLock | undefined {
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (error instanceof Error && "errcode" in error && error.errcode === busyCode) return undefined;
    throw error;
  }
  return { release: () => database.close() };
}

/** Waits for the lock until the signal aborts, whose reason it then fails with. */
export async function takeProcessLock(path: string, signal: AbortSignal): Promise<ProcessLock> {
  for (;;) {
    signal.throwIfAborted();
    const lock = tryProcessLock(path);
    if (lock !== undefined) return lock;
    await delay(retryEveryMs, undefined, { signal });
  }
}
