import { copyFile, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../../lib/atomic-file.ts";

/** What the plane's store makes before it upgrades a database, beside it. */
const copyPattern = /^(.+\.db)\.v\d+\.bak$/;

/**
 * Puts databases back as they were before a version that is given up upgraded them: the version before it opens none that is
 * newer. Nobody may have them open. Gives the names of those that were put back; doing it again gives the same.
 */
export async function restoreUpgradedStore(folder: string, sinceMs: number): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  const restored: string[] = [];
  for (const name of names) {
    const database = copyPattern.exec(name)?.[1];
    if (database === undefined || (await stat(join(folder, name))).mtimeMs < sinceMs) continue;
    await putBack(folder, name, database);
    restored.push(database);
  }
  if (restored.length > 0) await syncFolder(folder);
  return restored;
}

/** The write-ahead log goes first: beside the old database it would be of another one. */
async function putBack(folder: string, copy: string, database: string): Promise<void> {
  const temporary = join(folder, `${database}.restored.tmp`);
  await copyFile(join(folder, copy), temporary);
  const file = await open(temporary, "r");
  await file.sync();
  await file.close();
  for (const suffix of ["-wal", "-shm"]) await rm(join(folder, `${database}${suffix}`), { force: true });
  await rename(temporary, join(folder, database));
}
