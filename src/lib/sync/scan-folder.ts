import { createHash } from "node:crypto";
import { type BigIntStats, constants, type Dirent } from "node:fs";
import { open, readdir, readlink, unlink } from "node:fs/promises";
import { type Entry, type Scan, type Seen, type SkipReason, syncLimits, TooManyEntries } from "./entries.ts";
import type { HashCache } from "./hash-cache.ts";
import type { Ignore } from "./ignore.ts";
import { isLinkInside, nameProblem, pathProblem, temporaryPattern } from "./names.ts";
import { isMoved, OpenFolder, stampOf } from "./open-folder.ts";

/** Names of one folder that are looked at at the same time. */
const looksAtATime = 64;
/** A temporary file that is older was left by a process that ended. */
const temporaryAgeMs = 60 * 60_000;
/** Without O_NONBLOCK a pipe put in a file's place would hold us. */
export const readFlags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

export interface ScanOptions {
  readonly root: string;
  /** The folder in it that is scanned; "" is the root itself. */
  readonly subfolder: string;
  readonly ignore: Ignore;
  readonly cache: HashCache;
  readonly maxEntries?: number;
  readonly signal: AbortSignal;
}

/** What a folder holds; undefined when it is not there. Never follows a link, and reads only files that have changed. */
export async function scanFolder(options: ScanOptions): Promise<Scan | undefined> {
  let folder: OpenFolder;
  try {
    folder = await OpenFolder.open(options.root, options.subfolder);
  } catch (error) {
    if (isMoved(error)) return undefined;
    throw error;
  }
  const scanner = new Scanner(options);
  try {
    await scanner.visit(folder, "");
  } finally {
    await folder.close();
  }
  await options.cache.keep(scanner.entries);
  return scanner;
}

class Scanner implements Scan {
  readonly entries = new Map<string, Seen>();
  readonly skipped = new Map<string, SkipReason>();
  readonly #options: ScanOptions;

  constructor(options: ScanOptions) {
    this.#options = options;
  }

  async visit(folder: OpenFolder, path: string): Promise<void> {
    this.#options.signal.throwIfAborted();
    const names = await this.#namesIn(folder, path);
    for (let at = 0; at < names.length; at += looksAtATime) {
      await Promise.all(
        names.slice(at, at + looksAtATime).map(async (name) => this.#look(folder, name, path === "" ? name : `${path}/${name}`)),
      );
    }
    for (const name of names) {
      const below = path === "" ? name : `${path}/${name}`;
      if (this.entries.get(below)?.entry.kind !== "folder") continue;
      await this.#visitChild(folder, name, below);
    }
  }

  async #visitChild(folder: OpenFolder, name: string, path: string): Promise<void> {
    let child: OpenFolder;
    try {
      child = await folder.child(name);
    } catch (error) {
      this.#skip(path, isMoved(error) ? "changing" : "unreadable");
      return;
    }
    try {
      await this.visit(child, path);
    } finally {
      await child.close();
    }
  }

  async #namesIn(folder: OpenFolder, path: string): Promise<string[]> {
    let found: Dirent[];
    try {
      found = await readdir(folder.place, { withFileTypes: true });
    } catch (error) {
      if (path === "") throw error;
      this.#skip(path, "unreadable");
      return [];
    }
    const names: string[] = [];
    for (const { name } of found) {
      const below = path === "" ? name : `${path}/${name}`;
      if (temporaryPattern.test(name)) await removeLeftBehind(folder, name);
      if (this.#options.ignore(below)) continue;
      const problem = nameProblem(name) ?? pathProblem(below);
      if (problem === undefined) names.push(name);
      else this.#skip(below, problem);
    }
    if (this.entries.size + names.length > (this.#options.maxEntries ?? syncLimits.maxEntries))
      throw new TooManyEntries(`there are more than ${this.#options.maxEntries ?? syncLimits.maxEntries} files and folders`);
    return names;
  }

  async #look(folder: OpenFolder, name: string, path: string): Promise<void> {
    try {
      const stats = await folder.stat(name);
      if (stats === undefined) return;
      const entry = await this.#entryOf(folder, name, path, stats);
      if (typeof entry === "string") this.#skip(path, entry);
      else this.entries.set(path, { entry, stamp: stampOf(stats) });
    } catch (error) {
      this.#options.signal.throwIfAborted();
      this.#skip(path, isMoved(error) ? "changing" : "unreadable");
    }
  }

  async #entryOf(folder: OpenFolder, name: string, path: string, stats: BigIntStats): Promise<Entry | SkipReason> {
    if (stats.isDirectory()) return { kind: "folder" };
    if (stats.isSymbolicLink()) {
      const target = await readlink(folder.at(name));
      return isLinkInside(path, target) ? { kind: "link", target } : "link";
    }
    if (!stats.isFile()) return "special";
    if (stats.size > BigInt(syncLimits.maxFileBytes)) return "too-large";
    const stamp = stampOf(stats);
    const known = this.#options.cache.get(path, stamp);
    const hash = known ?? (await hashFile(folder.at(name), stamp, this.#options.signal));
    if (hash === undefined) return "changing";
    if (known === undefined)
      this.#options.cache.set(path, { stamp, hash }, Number(stats.mtimeMs > stats.ctimeMs ? stats.mtimeMs : stats.ctimeMs));
    return { kind: "file", size: Number(stats.size), hash, executable: (stats.mode & 0o100n) !== 0n };
  }

  #skip(path: string, reason: SkipReason): void {
    this.entries.delete(path);
    this.skipped.set(path, reason);
  }
}

/** Undefined when the file is another one, or changes while it is read. */
async function hashFile(path: string, stamp: string, signal: AbortSignal): Promise<string | undefined> {
  const file = await open(path, readFlags);
  try {
    const stats = await file.stat({ bigint: true });
    if (stampOf(stats) !== stamp) return undefined;
    const hash = createHash("sha256");
    const chunk = Buffer.allocUnsafe(Math.min(Number(stats.size), syncLimits.chunkBytes));
    for (let left = Number(stats.size); left > 0;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(chunk, 0, Math.min(left, chunk.length));
      if (bytesRead === 0) return undefined;
      left -= bytesRead;
      hash.update(chunk.subarray(0, bytesRead));
    }
    return stampOf(await file.stat({ bigint: true })) === stamp ? hash.digest("hex") : undefined;
  } finally {
    await file.close();
  }
}

async function removeLeftBehind(folder: OpenFolder, name: string): Promise<void> {
  const stats = await folder.stat(name).catch(() => undefined);
  if (stats !== undefined && Date.now() - Number(stats.mtimeMs) > temporaryAgeMs) await unlink(folder.at(name)).catch(() => undefined);
}
