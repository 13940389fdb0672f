import { constants } from "node:fs";
import { lstat, open } from "node:fs/promises";
import { join } from "node:path";

const maxPasswdBytes = 1024 * 1024;
/** As large as Linux allows; an image names its users as it likes. */
export const maxId = 2 ** 31 - 1;

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The numbers of a user in the passwd file (passwd(5)) of a root file system that may consist of layers, the topmost
 * first; undefined where they cannot be read from there.
 */
export async function readUser(name: string, layers: readonly string[]): Promise<UserIds | undefined> {
  for (const line of (await readPasswd(layers)).split("\n")) {
    const [user, , uid = "", gid = ""] = line.split(":");
    if (name === "" || user !== name) continue;
    const ids = { uid: Number(uid), gid: Number(gid) };
    return /^\d+$/.test(uid) && /^\d+$/.test(gid) && ids.uid <= maxId && ids.gid <= maxId ? ids : undefined;
  }
  return undefined;
}

async function readPasswd(layers: readonly string[]): Promise<string> {
  for (const layer of layers) {
    if (layer === "") continue;
    // An image is anybody's: a link in it would lead to the machine's own files.
    const folder = await lstat(join(layer, "etc")).catch(() => undefined);
    if (folder === undefined) continue;
    if (!folder.isDirectory()) return "";
    const path = join(layer, "etc/passwd");
    const found = await lstat(path).catch(() => undefined);
    if (found === undefined) continue;
    return found.isFile() && found.size <= maxPasswdBytes ? readRegularFile(path) : "";
  }
  return "";
}

async function readRegularFile(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}
