import { randomBytes } from "node:crypto";
import { lstat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Whether the file system of a folder takes names that differ in case alone for one: by making a file and looking. Undefined where none can be made. */
export async function foldsNames(folder: string): Promise<boolean | undefined> {
  const name = `.berth-sync-${randomBytes(8).toString("hex")}.tmp`;
  const path = join(folder, name);
  try {
    await writeFile(path, "", { flag: "wx", mode: 0o600 });
    return await lstat(join(folder, name.toUpperCase())).then(
      () => true,
      () => false,
    );
  } catch {
    return undefined;
  } finally {
    await unlink(path).catch(() => undefined);
  }
}
