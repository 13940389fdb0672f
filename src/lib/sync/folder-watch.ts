import { type FSWatcher, watch } from "node:fs";
import { basename, join } from "node:path";
import type { Scan } from "./entries.ts";
import { type Ignore, isLeftOut } from "./ignore.ts";

/** Linux watches folders one by one, and gives a person 8192 to 65536 of them for all programs. */
const maxWatchedFolders = 8000;
/** How often a folder is looked at that cannot be watched. */
const pollIntervalMs = 10_000;
/** A watch can miss a change: the kernel's queue has an end, and network drives tell nothing. */
const safetyIntervalMs = 5 * 60_000;

/**
 * Tells that something may have changed in a folder, never what. It is told after each scan which folders there are,
 * because Node's own recursive watch on Linux watches every file, and what is ignored too.
 */
export class FolderWatch {
  readonly #root: string;
  readonly #ignore: Ignore;
  readonly #onChange: () => void;
  readonly #watchers = new Map<string, FSWatcher>();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(root: string, ignore: Ignore, onChange: () => void) {
    this.#root = root;
    this.#ignore = ignore;
    this.#onChange = onChange;
  }

  /** Watches the folders of the newest scan. */
  follow(scan: Scan | undefined): void {
    if (this.#isClosed) return;
    const folders = new Set(scan === undefined ? [] : [""]);
    const isRecursive = process.platform !== "linux";
    if (!isRecursive) for (const [path, { entry }] of scan?.entries ?? []) if (entry.kind === "folder") folders.add(path);
    for (const [path, watcher] of this.#watchers) {
      if (folders.has(path)) continue;
      watcher.close();
      this.#watchers.delete(path);
    }
    const added = [...folders].filter((path) => !this.#watchers.has(path));
    const watched = added.filter((path) => this.#add(path, isRecursive));
    const isComplete = scan !== undefined && this.#watchers.size >= folders.size;
    clearTimeout(this.#timer);
    // What came into a new folder between the scan and now is found by another look.
    const nextLookMs = watched.length > 0 ? 0 : isComplete ? safetyIntervalMs : pollIntervalMs;
    this.#timer = setTimeout(this.#onChange, nextLookMs).unref();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  /** A folder of this name may be another one now, or that of the root: a watch stays with the one that it began with. */
  #forget(path: string): void {
    const isRoot = path === basename(this.#root);
    if (!this.#watchers.has(path) && !isRoot) return;
    for (const [watched, watcher] of this.#watchers) {
      if (watched !== path && !watched.startsWith(`${path}/`) && !(isRoot && watched === "")) continue;
      watcher.close();
      this.#watchers.delete(watched);
    }
  }

  #add(path: string, recursive: boolean): boolean {
    if (this.#watchers.size >= maxWatchedFolders) return false;
    try {
      const watcher = watch(join(this.#root, path), { recursive, persistent: false }, (event, name) => {
        const changed = name === null ? undefined : join(path, name).replaceAll("\\", "/");
        if (event === "rename") this.#forget(changed ?? path);
        if (changed === undefined || !isLeftOut(this.#ignore, changed)) this.#onChange();
      });
      // What is gone tells so, and is found by the scan that follows.
      watcher.on("error", () => {
        watcher.close();
        this.#watchers.delete(path);
        this.#onChange();
      });
      this.#watchers.set(path, watcher);
      return true;
    } catch {
      return false;
    }
  }
}
