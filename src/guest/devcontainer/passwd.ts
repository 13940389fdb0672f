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

/** The shell of a user, who may be given by number too; /bin/sh where it cannot be read. */
export async function readShell(user: string, root: string): Promise<string> {
  for (const line of (await readPasswd([root])).split("\n")) {
    const fields = line.split(":");
    if ((fields[0] === user || fields[2] === user) && fields[6] !== undefined && fields[6].startsWith("/")) return fields[6];
  }
  return "/bin/sh";
}

async function readPasswd(layers: readonly string[]): Promise<string> {
  for (const layer of layers) {
    if (layer === "") continue;
    // A file system is anybody's: a link in it would lead to the machine's own files.
    const folder = await lstat(join(layer, "etc")).catch(() => undefined);
    if (folder === undefined) continue;
    if (!folder.isDirectory()) return "";
    const path = join(layer, "etc/passwd");
    if ((await lstat(path).catch(() => undefined)) !== undefined) return readRegularFile(path).catch(() => "");
  }
  return "";
}

/** Looks at what was opened: a container's user may put a pipe, on which opening would wait, or a link there at any moment. */
async function readRegularFile(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { size } = await file.stat().then((found) => (found.isFile() ? found : { size: 0 }));
    const text = Buffer.alloc(Math.min(size, maxPasswdBytes));
    const { bytesRead } = await file.read(text, 0, text.length, 0);
    return text.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}
