import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { copyFile, open, readdir, rename, rm, stat, statfs } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { BerthError } from "../contract/berth-error.ts";
import { syncFolder } from "../lib/atomic-file.ts";
import { isErrno } from "../lib/errno.ts";
import type { DataDisk } from "./driver.ts";

/** What must stay free beside a copy: with less no machine starts. */
const leftFreeBytes = 2 * 1024 ** 3;
const namePattern = /^[a-z0-9-]{1,40}$/;

/** A data disk that is a file: a copy costs nothing where the file system can share blocks, else what the disk takes. */
export class FileDataDisk implements DataDisk {
  readonly #path: string;
  readonly #mayShare: boolean;

  /** `mayShare: false` never lets the copy share blocks, as on a file system that cannot. */
  constructor(path: string, options: { readonly mayShare?: boolean } = {}) {
    this.#path = path;
    this.#mayShare = options.mayShare ?? true;
  }

  async copy(name: string, signal: AbortSignal): Promise<void> {
    const copy = this.#copyPath(name);
    const partial = `${copy}.partial`;
    await rm(partial, { force: true });
    try {
      await copyDisk(this.#path, partial, { mayShare: this.#mayShare, beforeCopying: async () => checkSpace(this.#path) }, signal);
      await sync(partial);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    await rename(partial, copy);
    await syncFolder(dirname(copy));
  }

  async restore(name: string): Promise<void> {
    try {
      await rename(this.#copyPath(name), this.#path);
    } catch (error) {
      if (isErrno(error, "ENOENT")) return;
      throw error;
    }
    await syncFolder(dirname(this.#path));
  }

  async dropCopies(): Promise<void> {
    const folder = dirname(this.#path);
    const names = await readdir(folder).catch(() => []);
    for (const name of names) if (name.startsWith(`${basename(this.#path)}.before-`)) await rm(join(folder, name), { force: true });
  }

  #copyPath(name: string): string {
    if (!namePattern.test(name)) throw new Error(`'${name}' is no name for a copy`);
    return `${this.#path}.before-${name}`;
  }
}

/** Copies a disk that nothing writes to, to a path where nothing is; a copy that shares no blocks takes space, which `beforeCopying` may refuse. */
export async function copyDisk(
  from: string,
  to: string,
  { mayShare = true, beforeCopying }: { readonly mayShare?: boolean; readonly beforeCopying: () => Promise<void> },
  signal: AbortSignal,
): Promise<void> {
  if (mayShare && (await shareBlocks(from, to))) return;
  await beforeCopying();
  await copySparse(from, to, signal);
}

/** False where the file system cannot. */
async function shareBlocks(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    return true;
  } catch {
    await rm(to, { force: true });
    return false;
  }
}

async function checkSpace(path: string): Promise<void> {
  const neededBytes = (await stat(path)).blocks * 512 + leftFreeBytes;
  const { bavail, bsize } = await statfs(dirname(path));
  if (bavail * bsize < neededBytes)
    throw new BerthError(
      "upgrade-needs-space",
      `${inGib(neededBytes)} are needed in ${dirname(path)} for a while, and ${inGib(bavail * bsize)} are free`,
    );
}

/** Copies what a file holds and none of its holes, of which a data disk has more than a computer has space. */
async function copySparse(from: string, to: string, signal: AbortSignal): Promise<void> {
  // Node reads holes as zeros, and its own copy writes them out.
  if (process.platform !== "linux") return copyFile(from, to, constants.COPYFILE_EXCL);
  const child = spawn("cp", ["--sparse=always", "--reflink=never", "--", from, to], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, LC_ALL: "C" },
    signal,
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  if (code === 0) return;
  throw /No space left/i.test(said)
    ? new BerthError("upgrade-needs-space", `the disk of this computer became full while ${from} was copied`)
    : new Error(`the data disk could not be copied: ${said.trim()}`);
}

async function sync(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function inGib(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
