import { constants } from "node:fs";
import { copyFile, link, lstat, mkdir, open, readdir, readlink, rename, rm, rmdir, symlink, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isErrno } from "../errno.ts";
import { contentStampOf, stampOf } from "./open-folder.ts";

export const trashLimits = {
  keepDays: 14,
  maxBytes: 2 * 1024 ** 3,
} as const;

const dayMs = 24 * 60 * 60_000;
const batchPattern = /^(\d{13})-/;
const noLinkCodes = ["EXDEV", "EPERM", "ENOTSUP", "EOPNOTSUPP", "EMLINK", "EACCES", "ENOSYS"];

/**
 * Where what a sync removed or replaced is kept for a while: a folder for each time, and in it the paths as they were.
 * The oldest go when it gets too large.
 */
export class Trash {
  readonly #folder: string;
  readonly #now: () => number;
  #placed = 0;
  #bytes: number | undefined;

  constructor(folder: string, now: () => number) {
    this.#folder = folder;
    this.#now = now;
  }

  /** Moves a file or link away from `from`. False: it was not the one of the stamp any more, and is where it was. */
  async take(from: string, path: string, stamp: string): Promise<boolean> {
    const to = await this.#place(path);
    try {
      await rename(from, to);
    } catch (error) {
      if (!isErrno(error, "EXDEV")) throw error;
      return this.#takeByCopy(from, to, stamp);
    }
    if (await isStill(to, stamp)) return this.#count(to);
    // Changed in the moment between the look and the move; whoever did that finds it where it was.
    await link(to, from).then(
      async () => unlink(to),
      async () => undefined,
    );
    return false;
  }

  /** Keeps what is going to be replaced. Gives where it is under a second name, by which it can be looked at afterwards. */
  async keep(from: string, path: string): Promise<string | undefined> {
    const to = await this.#place(path);
    try {
      await link(from, to);
    } catch (error) {
      if (!noSecondName(error)) throw error;
      if ((await lstat(from)).isSymbolicLink()) await symlink(await readlink(from), to);
      else await copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
      await this.#count(to);
      return undefined;
    }
    await this.#count(to);
    return to;
  }

  /** Removes what is older than may be, and the oldest while all is too large. */
  async prune(): Promise<void> {
    const batches = (await namesIn(this.#folder)).filter((name) => batchPattern.test(name)).sort();
    const sized = [];
    for (const name of batches) sized.push({ name, bytes: await bytesIn(join(this.#folder, name)) });
    let bytes = sized.reduce((sum, batch) => sum + batch.bytes, 0);
    for (const [at, batch] of sized.entries()) {
      const isOld = Number(batchPattern.exec(batch.name)?.[1]) < this.#now() - trashLimits.keepDays * dayMs;
      const isNewest = at === sized.length - 1;
      if (!isOld && (bytes <= trashLimits.maxBytes || isNewest)) continue;
      await rm(join(this.#folder, batch.name), { recursive: true, force: true });
      bytes -= batch.bytes;
    }
    this.#bytes = bytes;
  }

  async #place(path: string): Promise<string> {
    if (this.#bytes === undefined || this.#bytes > trashLimits.maxBytes) await this.prune();
    const to = join(this.#folder, `${String(this.#now()).padStart(13, "0")}-${++this.#placed}`, path);
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    return to;
  }

  async #count(kept: string): Promise<true> {
    this.#bytes = (this.#bytes ?? 0) + (await lstat(kept)).size;
    return true;
  }

  /** Across file systems a copy is made whole first. */
  async #takeByCopy(from: string, to: string, stamp: string): Promise<boolean> {
    const stats = await lstat(from);
    if (stats.isSymbolicLink()) await symlink(await readlink(from), to);
    else {
      await copyFile(from, to, constants.COPYFILE_EXCL);
      await syncFile(to);
    }
    if (!(await isStill(from, stamp))) return false;
    await unlink(from);
    return this.#count(to);
  }
}

/** The file system has no second names, or not for this file. */
export function noSecondName(error: unknown): boolean {
  return noLinkCodes.some((code) => isErrno(error, code));
}

/** A rename or a second name changes its ctime alone. */
export async function isStill(path: string, stamp: string): Promise<boolean> {
  return contentStampOf(stampOf(await lstat(path, { bigint: true }))) === contentStampOf(stamp);
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    const stats = await lstat(path);
    bytes += stats.isDirectory() ? await bytesIn(path) : stats.size;
  }
  return bytes;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ENOTDIR")) return [];
    throw error;
  }
}

/** Prunes the trashes of all syncs below a folder, those that ended too, and removes what is left of an ended one without any. */
export async function pruneTrashes(syncsFolder: string, now: () => number): Promise<void> {
  for (const name of await namesIn(syncsFolder)) {
    const folder = join(syncsFolder, name);
    await new Trash(join(folder, "trash"), now).prune();
    if ((await namesIn(join(folder, "trash"))).length > 0) continue;
    await rmdir(join(folder, "trash")).catch(() => undefined);
    await rmdir(folder).catch(() => undefined);
  }
}
