import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BerthError } from "../../contract/berth-error.ts";
import { tryProcessLock } from "../../lib/process-lock.ts";

/** Outside of the runner's home, where its user could put something else in the lock's place. */
export const setupLockPath = "/run/berth-runner-setup.lock";

/**
 * Changes a computer while no other set-up or removal does; below `root` is its file system. Fails with
 * `runner-setup-running`.
 */
export async function withSetupLock(root: string, work: () => Promise<void>): Promise<void> {
  const path = join(root, setupLockPath);
  await mkdir(dirname(path), { recursive: true });
  const lock = tryProcessLock(path);
  if (lock === undefined) throw new BerthError("runner-setup-running", `another process holds ${path}`);
  try {
    await work();
  } finally {
    lock.release();
  }
}
