/** A name in a folder that is synced: all that the other side shall have the same. Paths are relative, with "/". */
export type Entry =
  | { readonly kind: "folder" }
  /** `hash` is the SHA-256 of its content, in hexadecimal digits. */
  | { readonly kind: "file"; readonly size: number; readonly hash: string; readonly executable: boolean }
  | { readonly kind: "link"; readonly target: string };

/** An entry as it was found. Whoever changes it later gives the stamp, and nothing happens when it is another one by then. */
export interface Seen {
  readonly entry: Entry;
  readonly stamp: string;
}

/** Why something is not synced. */
export type SkipReason =
  | "name"
  | "name-clash"
  | "link"
  | "special"
  | "too-large"
  | "too-deep"
  | "unreadable"
  /** It was being written while it was read; the next scan sees it. */
  | "changing"
  /** A folder that was deleted on the other side, and holds what is ignored. */
  | "not-empty"
  | "failed";

/** What a folder holds. Of what was skipped nothing is known, nor of anything below it. */
export interface Scan {
  readonly entries: ReadonlyMap<string, Seen>;
  readonly skipped: ReadonlyMap<string, SkipReason>;
}

/** What to do to a name, when it is still as `expected` says: its stamp, or nothing there. */
export type Change =
  | { readonly op: "make-folder"; readonly path: string; readonly expected: undefined }
  | {
      readonly op: "write";
      readonly path: string;
      readonly entry: Entry & { readonly kind: "file" };
      readonly expected: string | undefined;
    }
  | { readonly op: "link"; readonly path: string; readonly target: string; readonly expected: string | undefined }
  /** To the trash; of a folder only when nothing is in it. */
  | { readonly op: "remove"; readonly path: string; readonly expected: string }
  | { readonly op: "move"; readonly path: string; readonly to: string; readonly expected: string };

/** `changed`: it was not as expected, and was left alone. */
export type Outcome =
  | { readonly result: "done" | "changed" | "not-empty" }
  | { readonly result: "failed"; readonly message: string; readonly noSpace: boolean };

/** A change, followed by the content when it writes a file. Content that is not what the change says counts as `changed`. */
export type ChangePart = { readonly kind: "change"; readonly change: Change } | { readonly kind: "data"; readonly data: Uint8Array };

export interface WantedFile {
  readonly path: string;
  readonly stamp: string;
}

/** Content of the wanted file of this index; the indices ascend. Of a file that has changed nothing comes, or not all. */
export interface ReadPart {
  readonly index: number;
  readonly data: Uint8Array;
}

/** One of two folders that are kept the same: this computer's, or the environment's behind its agent. */
export interface SyncSide {
  /** Undefined: the folder itself is not there. Fails with TooManyEntries. */
  scan(signal: AbortSignal): Promise<Scan | undefined>;
  read(files: readonly WantedFile[], signal: AbortSignal): AsyncIterable<ReadPart>;
  /** One outcome for each change, durable when it comes. */
  apply(parts: AsyncIterable<ChangePart>, signal: AbortSignal): Promise<readonly Outcome[]>;
}

export const syncLimits = {
  maxEntries: 100_000,
  maxFileBytes: 1024 ** 3,
  /** Of all files together. */
  maxTotalBytes: 50 * 1024 ** 3,
  maxDepth: 64,
  /** Of one read or written piece of a file. */
  chunkBytes: 256 * 1024,
} as const;

export class TooManyEntries extends Error {
  constructor(what: string) {
    super(what);
  }
}

export function sameEntry(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.kind === "file") return b.kind === "file" && a.hash === b.hash && a.size === b.size && a.executable === b.executable;
  return a.kind === "link" ? b.kind === "link" && a.target === b.target : b.kind === "folder";
}

/** The folder that a path is in; "" is the root. */
export function parentOf(path: string): string {
  const at = path.lastIndexOf("/");
  return at < 0 ? "" : path.slice(0, at);
}

export function nameIn(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The names of folders on the way to a path, the outermost first. */
export function foldersAbove(path: string): string[] {
  const folders: string[] = [];
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) folders.push(path.slice(0, at));
  return folders;
}
