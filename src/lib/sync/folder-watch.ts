import { type FSWatcher, watch } from "node:fs";
import { join } from "node:path";
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
  #isComplete = true;
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
    this.#isComplete = scan !== undefined;
    for (const path of folders) if (!this.#watchers.has(path)) this.#isComplete = this.#add(path, isRecursive) && this.#isComplete;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onChange, this.#isComplete ? safetyIntervalMs : pollIntervalMs).unref();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #add(path: string, recursive: boolean): boolean {
    if (this.#watchers.size >= maxWatchedFolders) return false;
    try {
      const watcher = watch(join(this.#root, path), { recursive, persistent: false }, (_event, name) => {
        const changed = name === null ? undefined : join(path, name).replaceAll("\\", "/");
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
