import { createHash, randomBytes } from "node:crypto";
import { type BigIntStats, constants } from "node:fs";
import { lchown, link, mkdir, open, rename, rmdir, symlink, unlink } from "node:fs/promises";
import { isErrno } from "../errno.ts";
import { messageOf } from "../log.ts";
import { type Change, type ChangePart, nameIn, type Outcome, parentOf } from "./entries.ts";
import { type Ignore, isLeftOut } from "./ignore.ts";
import { conflictPath, isLinkInside, pathProblem } from "./names.ts";
import { isMoved, isSystemError, OpenFolder, stampOf } from "./open-folder.ts";
import { isStill, noSecondName, type Trash } from "./trash.ts";

const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
const permissionBits = 0o777;
const newFileMode = 0o666;
const done: Outcome = { result: "done" };
const changed: Outcome = { result: "changed" };

type WriteChange = Change & { readonly op: "write" };

export interface FolderWriterOptions {
  readonly root: string;
  readonly subfolder: string;
  readonly ignore: Ignore;
  readonly trash: Trash;
  /** Whose own everything becomes; undefined: whoever we are. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly now: () => number;
}

/**
 * Carries changes out in a folder, one after the other, each only when its name is still as it says. Files are written
 * beside their place and take it whole; what they replace and what is removed is in the trash.
 */
export class FolderWriter {
  readonly #options: FolderWriterOptions;
  /** Folders whose names were changed and are not durable yet. */
  readonly #unsynced = new Set<string>();

  constructor(options: FolderWriterOptions) {
    this.#options = options;
  }

  /** One outcome for each change. Fails when the parts do, and then the file they were of is not written. */
  async applyAll(parts: AsyncIterable<ChangePart>, signal: AbortSignal): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for await (const { change, content } of grouped(parts)) {
      signal.throwIfAborted();
      outcomes.push(await this.#apply(change, content));
    }
    for (const folder of this.#unsynced) await this.#sync(folder).catch(ignoreMoved);
    return outcomes;
  }

  async #sync(path: string): Promise<void> {
    const folder = await this.#open(path);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  async #open(folder: string): Promise<OpenFolder> {
    const { root, subfolder } = this.#options;
    return OpenFolder.open(root, [subfolder, folder].filter((part) => part !== "").join("/"));
  }

  async #apply(change: Change, content: AsyncIterable<Uint8Array>): Promise<Outcome> {
    const problem = this.#refusal(change);
    if (problem !== undefined) return { result: "failed", message: problem, noSpace: false };
    let folder: OpenFolder | undefined;
    try {
      folder = await this.#open(parentOf(change.path));
      const outcome = await this.#carryOut(folder, change, content);
      if (outcome.result === "done") this.#unsynced.add(parentOf(change.path));
      return outcome;
    } catch (error) {
      return outcomeOf(error);
    } finally {
      await folder?.close();
    }
  }

  /** Why a change is not carried out at all, whoever asks for it. */
  #refusal(change: Change): string | undefined {
    const paths = change.op === "move" ? [change.path, change.to] : [change.path];
    if (paths.some((path) => pathProblem(path) !== undefined || isLeftOut(this.#options.ignore, path))) return "the name is not accepted";
    if (change.op === "link" && !isLinkInside(change.path, change.target)) return "the link leads out of the folder";
    return change.op === "move" && parentOf(change.path) !== parentOf(change.to) ? "it may not leave its folder" : undefined;
  }

  async #carryOut(folder: OpenFolder, change: Change, content: AsyncIterable<Uint8Array>): Promise<Outcome> {
    const name = nameIn(change.path);
    const before = await folder.stat(name);
    if (change.op === "make-folder" && before?.isDirectory() === true) return done;
    if (!isAsExpected(before, change.expected)) return changed;
    switch (change.op) {
      case "make-folder":
        return this.#makeFolder(folder, name);
      case "write":
        return this.#write(folder, change, before, content);
      case "link":
        return this.#link(folder, change);
      case "remove":
        if (before?.isDirectory() !== true)
          return (await this.#options.trash.take(folder.at(name), change.path, change.expected)) ? done : changed;
        await rmdir(folder.at(name));
        return done;
      case "move":
        if ((await folder.stat(nameIn(change.to))) !== undefined) return changed;
        await rename(folder.at(name), folder.at(nameIn(change.to)));
        return done;
    }
  }

  async #makeFolder(folder: OpenFolder, name: string): Promise<Outcome> {
    await mkdir(folder.at(name));
    const { owner } = this.#options;
    if (owner === undefined) return done;
    const made = await folder.child(name);
    try {
      await made.chown(owner);
    } finally {
      await made.close();
    }
    return done;
  }

  async #link(folder: OpenFolder, { path, target, expected }: Change & { readonly op: "link" }): Promise<Outcome> {
    const { owner } = this.#options;
    const temporary = temporaryName();
    try {
      await symlink(target, folder.at(temporary));
      if (owner !== undefined) await lchown(folder.at(temporary), owner.uid, owner.gid);
      return await this.#place(folder, temporary, { path, expected });
    } finally {
      await unlink(folder.at(temporary)).catch(ignoreMoved);
    }
  }

  async #write(
    folder: OpenFolder,
    change: WriteChange,
    before: BigIntStats | undefined,
    content: AsyncIterable<Uint8Array>,
  ): Promise<Outcome> {
    const temporary = temporaryName();
    const mode = before?.isFile() === true ? Number(before.mode) & permissionBits : newFileMode;
    try {
      if (!(await this.#receive(folder.at(temporary), change, mode, content))) return changed;
      return await this.#place(folder, temporary, change);
    } finally {
      await unlink(folder.at(temporary)).catch(ignoreMoved);
    }
  }

  /** False: the content that came is not the one that was promised. */
  async #receive(path: string, { entry }: WriteChange, mode: number, content: AsyncIterable<Uint8Array>): Promise<boolean> {
    const { owner } = this.#options;
    const file = await open(path, createFlags, mode);
    try {
      const hash = createHash("sha256");
      let size = 0;
      for await (const data of content) {
        size += data.length;
        if (size > entry.size) return false;
        hash.update(data);
        await file.writeFile(data);
      }
      if (size !== entry.size || hash.digest("hex") !== entry.hash) return false;
      const given = Number((await file.stat()).mode) & permissionBits;
      // Whoever may read it may run it, as with git.
      await file.chmod(entry.executable ? given | ((given & 0o444) >> 2) : given & ~0o111);
      if (owner !== undefined) await file.chown(owner.uid, owner.gid);
      await file.sync();
      return true;
    } finally {
      await file.close();
    }
  }

  /** Puts what was made beside its place there. */
  async #place(
    folder: OpenFolder,
    temporary: string,
    { path, expected }: { readonly path: string; readonly expected: string | undefined },
  ): Promise<Outcome> {
    const target = folder.at(nameIn(path));
    if (expected === undefined) return this.#placeNew(folder, temporary, nameIn(path));
    if (!isAsExpected(await folder.stat(nameIn(path)), expected)) return changed;
    const kept = await this.#options.trash.keep(target, path);
    await rename(folder.at(temporary), target);
    if (kept !== undefined && !(await isStill(kept, expected))) {
      // It was written to in the moment between the look and the rename.
      const beside = nameIn(conflictPath(path, new Date(this.#options.now()), () => false));
      await link(kept, folder.at(beside));
    }
    return done;
  }

  /** A second name is refused where a name is, which a rename is not. */
  async #placeNew(folder: OpenFolder, temporary: string, name: string): Promise<Outcome> {
    try {
      await link(folder.at(temporary), folder.at(name));
    } catch (error) {
      if (!noSecondName(error)) throw error;
      if ((await folder.stat(name)) !== undefined) return changed;
      await rename(folder.at(temporary), folder.at(name));
    }
    return done;
  }
}

function temporaryName(): string {
  return `.berth-sync-${randomBytes(8).toString("hex")}.tmp`;
}

function isAsExpected(stats: BigIntStats | undefined, expected: string | undefined): boolean {
  return stats === undefined ? expected === undefined : stampOf(stats) === expected;
}

function ignoreMoved(error: unknown): void {
  if (!isMoved(error)) throw error;
}

/** What the system refused is an outcome; anything else is a failure of whoever sends the changes. */
function outcomeOf(error: unknown): Outcome {
  if (!isSystemError(error)) throw error;
  if (isErrno(error, "ENOTEMPTY")) return { result: "not-empty" };
  if (isMoved(error)) return changed;
  const noSpace = isErrno(error, "ENOSPC") || isErrno(error, "EDQUOT");
  return { result: "failed", message: messageOf(error).split(",")[0] ?? "", noSpace };
}

/** Each change with the content that follows it, which need not be read to its end. */
async function* grouped(parts: AsyncIterable<ChangePart>) {
  const iterator = parts[Symbol.asyncIterator]();
  try {
    let next = await iterator.next();
    while (next.done !== true) {
      const part = next.value;
      next = await iterator.next();
      if (part.kind === "data") continue;
      const content = async function* (): AsyncGenerator<Uint8Array> {
        for (; next.done !== true && next.value.kind === "data"; next = await iterator.next()) yield next.value.data;
      };
      yield { change: part.change, content: content() };
    }
  } finally {
    await iterator.return?.();
  }
}
