import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { changeSignal } from "../change-signal.ts";
import {
  type ChangePart,
  nameIn,
  type Outcome,
  parentOf,
  type ReadPart,
  type Scan,
  type SyncSide,
  syncLimits,
  type WantedFile,
} from "./entries.ts";
import { FolderWatch } from "./folder-watch.ts";
import { FolderWriter } from "./folder-writer.ts";
import { HashCache } from "./hash-cache.ts";
import { ignoreOf } from "./ignore.ts";
import { pathProblem } from "./names.ts";
import { isSystemError, OpenFolder, stampOf } from "./open-folder.ts";
import { readFlags, scanFolder } from "./scan-folder.ts";
import { Trash } from "./trash.ts";

export interface FolderSideOptions {
  /** Trusted; what is below it is not. */
  readonly root: string;
  /** The folder in it that is synced; "" is all of it. */
  readonly subfolder: string;
  readonly ignorePatterns: readonly string[];
  /** Where what is known of the folder and its trash are kept; made when it is not there. */
  readonly stateFolder: string;
  readonly now: () => number;
}

/** A folder on the computer that this program runs on, as one side of a sync. */
export class FolderSide implements SyncSide {
  readonly #options: FolderSideOptions;
  readonly #ignore: ReturnType<typeof ignoreOf>;
  readonly #cache: HashCache;
  readonly #trash: Trash;
  readonly #watch: FolderWatch;
  readonly #listeners = new Set<() => void>();

  private constructor(options: FolderSideOptions, cache: HashCache) {
    this.#options = options;
    this.#ignore = ignoreOf(options.ignorePatterns);
    this.#cache = cache;
    this.#trash = new Trash(join(options.stateFolder, "trash"), options.now);
    this.#watch = new FolderWatch(join(options.root, options.subfolder), this.#ignore, () => {
      for (const listener of this.#listeners) listener();
    });
  }

  /** Fails when a pattern is not accepted. */
  static async open(options: FolderSideOptions): Promise<FolderSide> {
    await mkdir(options.stateFolder, { recursive: true, mode: 0o700 });
    return new FolderSide(options, await HashCache.open(join(options.stateFolder, "hashes.json"), options.now));
  }

  async scan(signal: AbortSignal): Promise<Scan | undefined> {
    const { root, subfolder } = this.#options;
    const scan = await scanFolder({ root, subfolder, ignore: this.#ignore, cache: this.#cache, signal });
    this.#watch.follow(scan);
    return scan;
  }

  async *read(files: readonly WantedFile[], signal: AbortSignal): AsyncGenerator<ReadPart> {
    for (const [index, file] of files.entries()) for await (const data of this.#readFile(file, signal)) yield { index, data };
  }

  async apply(parts: AsyncIterable<ChangePart>, signal: AbortSignal): Promise<readonly Outcome[]> {
    const { root, subfolder, now } = this.#options;
    const owner = await ownerOf(root);
    return new FolderWriter({ root, subfolder, ignore: this.#ignore, trash: this.#trash, owner, now }).applyAll(parts, signal);
  }

  /** Called when something may have changed; only of what the last scan saw. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** One item for each change, or for several that came between. */
  async *changes(signal: AbortSignal): AsyncGenerator<undefined> {
    const changes = changeSignal((listener) => this.onChange(listener), signal);
    try {
      for (;;) {
        await changes.next();
        if (signal.aborted) return;
        yield undefined;
      }
    } finally {
      changes.close();
    }
  }

  close(): void {
    this.#watch.close();
  }

  async *#readFile({ path, stamp }: WantedFile, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    if (pathProblem(path) !== undefined) return;
    const { root, subfolder } = this.#options;
    let folder: OpenFolder | undefined;
    try {
      folder = await OpenFolder.open(root, [subfolder, parentOf(path)].filter((part) => part !== "").join("/"));
      const file = await open(folder.at(nameIn(path)), readFlags);
      try {
        const stats = await file.stat({ bigint: true });
        if (!stats.isFile() || stampOf(stats) !== stamp) return;
        for (let left = Number(stats.size); left > 0;) {
          signal.throwIfAborted();
          const chunk = Buffer.allocUnsafe(Math.min(left, syncLimits.chunkBytes));
          const { bytesRead } = await file.read(chunk, 0, chunk.length);
          if (bytesRead === 0) return;
          left -= bytesRead;
          yield chunk.subarray(0, bytesRead);
        }
      } finally {
        await file.close();
      }
    } catch (error) {
      // Whatever the system has against it: the file is not written on the other side.
      if (!isSystemError(error)) throw error;
    } finally {
      await folder?.close();
    }
  }
}

/** What is made in a working copy is its owner's, also when root makes it. */
async function ownerOf(root: string): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const folder = await OpenFolder.open(root, "");
  try {
    return await folder.owner();
  } finally {
    await folder.close();
  }
}
