import { constants, type BigIntStats } from "node:fs";
import { type FileHandle, lstat, open } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "../atomic-file.ts";
import { isErrno } from "../errno.ts";

const folderFlags = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0);
/** Linux has a path that means an open folder, wherever its name leads by now. */
const hasFolderPaths = process.platform === "linux";

/**
 * A folder whose names are used without following a symbolic link, also when one is put in the place of a folder
 * meanwhile. Where the system has no paths of open folders, each name is looked at before instead: there only this
 * computer's own person could do that.
 */
export class OpenFolder {
  readonly #handle: FileHandle | undefined;
  readonly #place: string;

  private constructor(handle: FileHandle | undefined, place: string) {
    this.#handle = handle;
    this.#place = place;
  }

  /** `root` is trusted; below it, at `path`, no link is followed. Fails with ENOTDIR or ELOOP at one. */
  static async open(root: string, path: string): Promise<OpenFolder> {
    let folder = await OpenFolder.#enter(root);
    for (const name of path === "" ? [] : path.split("/")) {
      const outer = folder;
      try {
        folder = await outer.child(name);
      } finally {
        await outer.close();
      }
    }
    return folder;
  }

  static async #enter(path: string): Promise<OpenFolder> {
    if (!hasFolderPaths) {
      const found = await lstat(path);
      if (!found.isDirectory()) throw Object.assign(new Error(`${path} is no folder`), { code: "ENOTDIR", syscall: "open" });
      return new OpenFolder(undefined, path);
    }
    const handle = await open(path, folderFlags);
    return new OpenFolder(handle, `/proc/self/fd/${handle.fd}`);
  }

  async child(name: string): Promise<OpenFolder> {
    return OpenFolder.#enter(this.at(name));
  }

  /** A path of a name in it, for a call that does not follow links. */
  at(name: string): string {
    return join(this.#place, name);
  }

  /** For reading its names. */
  get place(): string {
    return this.#place;
  }

  /** Makes what was renamed in it durable. */
  async sync(): Promise<void> {
    if (this.#handle === undefined) await syncFolder(this.#place);
    else await this.#handle.sync();
  }

  /** Only where folders have paths, which is where owners are given. */
  async chown({ uid, gid }: { readonly uid: number; readonly gid: number }): Promise<void> {
    await this.#handle?.chown(uid, gid);
  }

  async owner(): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
    const stats = await this.#handle?.stat();
    return stats === undefined ? undefined : { uid: stats.uid, gid: stats.gid };
  }

  async close(): Promise<void> {
    await this.#handle?.close();
  }

  async stat(name: string): Promise<BigIntStats | undefined> {
    try {
      return await lstat(this.at(name), { bigint: true });
    } catch (error) {
      if (isErrno(error, "ENOENT")) return undefined;
      throw error;
    }
  }
}

/** What tells a file or link from any other and from itself after a change. A folder changes with what is in it, so its place counts alone. */
export function stampOf(stats: BigIntStats): string {
  return stats.isDirectory() ? `d:${stats.ino}` : `${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}

/** The same without what a rename or another name of it changes. */
export function contentStampOf(stamp: string): string {
  return stamp.split(":").slice(0, 3).join(":");
}

/** A name is not where it was, or is something else by now. */
export function isMoved(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "ELOOP", "EEXIST", "EISDIR"].some((code) => isErrno(error, code));
}

export function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}
