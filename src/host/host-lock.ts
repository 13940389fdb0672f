import { DatabaseSync } from "node:sqlite";
import { BerthError } from "../contract/berth-error.ts";

/** SQLITE_BUSY: another process holds the lock. */
const busyCode = 5;

/**
 * Makes this process the only host of a folder until it ends. SQLite's exclusive transaction is a lock of the
 * operating system (fcntl), which Node does not offer by itself: it goes with the process, even after kill -9, and
 * two that start at once cannot both get it. Fails with `host-running`.
 */
export function lockHost(path: string): { release(): void } {
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (error instanceof Error && "errcode" in error && error.errcode === busyCode)
      throw new BerthError("host-running", `a host holds ${path} already`, { cause: error });
    throw error;
  }
  return { release: () => database.close() };
}
