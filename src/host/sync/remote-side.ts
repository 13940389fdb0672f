import { Code, ConnectError } from "@connectrpc/connect";
import type { AgentClient } from "../../engine/machine-view.ts";
import {
  type ChangePart,
  type Outcome,
  parentOf,
  type ReadPart,
  type Scan,
  type Seen,
  type SkipReason,
  type SyncSide,
  syncLimits,
  TooManyEntries,
  type WantedFile,
} from "../../lib/sync/entries.ts";
import { changeMessage, isSkipReason, outcomeOf, seenOf } from "../../lib/sync/folder-messages.ts";
import { type Ignore, ignoreOf, isLeftOut } from "../../lib/sync/ignore.ts";
import { isLinkInside, pathProblem } from "../../lib/sync/names.ts";
import { withoutControls } from "../../lib/terminals/osc-scanner.ts";

const maxStampLength = 200;
const maxMessageLength = 200;
const maxPathLength = 4096;
const hashBytes = 32;

export interface SyncedFolder {
  readonly syncId: string;
  readonly environmentId: string;
  readonly path: string;
  readonly ignorePatterns: readonly string[];
}

/**
 * A folder in an environment, as its agent tells of it. The agent is not trusted: a name that may not be used on this
 * computer never gets further than this, and it sends no more than it said there is.
 */
export class RemoteSide implements SyncSide {
  readonly #agent: () => AgentClient;
  readonly #folder: SyncedFolder;
  readonly #ignore: Ignore;
  #version = "";
  #entries = new Map<string, Seen>();

  constructor(folder: SyncedFolder, agent: () => AgentClient) {
    this.#folder = folder;
    this.#agent = agent;
    this.#ignore = ignoreOf(folder.ignorePatterns);
  }

  async scan(signal: AbortSignal): Promise<Scan | undefined> {
    const knownVersion = this.#version;
    const known = this.#entries;
    // Until an answer has arrived whole the next one must tell everything.
    this.#version = "";
    const skipped = new Map<string, SkipReason>();
    let entries = known;
    try {
      for await (const answer of this.#agent().scanFolder({ folder: this.#message(), knownVersion }, { signal })) {
        if (answer.missing) return undefined;
        if (answer.everything && entries === known) entries = new Map();
        for (const path of answer.removedPaths) entries.delete(path);
        for (const { path, stamp, entry } of answer.entries) this.#take(path, seenOf({ stamp, entry }), entries, skipped);
        for (const { path, reason } of answer.skipped)
          skipped.set(path.slice(0, maxPathLength), isSkipReason(reason) ? reason : "unreadable");
        if (entries.size + skipped.size > syncLimits.maxEntries)
          throw new TooManyEntries(`there are more than ${syncLimits.maxEntries} files`);
        if (!answer.complete) continue;
        this.#entries = entries;
        this.#version = answer.version;
        return { entries: withParents(entries), skipped };
      }
    } catch (error) {
      if (error instanceof ConnectError && error.code === Code.ResourceExhausted) throw new TooManyEntries(said(error.rawMessage));
      throw error;
    }
    throw new Error("the machine did not tell all of the folder");
  }

  async *read(files: readonly WantedFile[], signal: AbortSignal): AsyncGenerator<ReadPart> {
    let leftBytes = files.reduce((sum, { path }) => sum + this.#sizeOf(path), 0);
    let last = 0;
    for await (const { index, data } of this.#agent().readFiles({ folder: this.#message(), files: [...files] }, { signal })) {
      leftBytes -= data.length;
      if (leftBytes < 0 || index < last || index >= files.length) throw new Error("the machine sent more than it was asked for");
      last = index;
      yield { index, data };
    }
  }

  async apply(parts: AsyncIterable<ChangePart>, signal: AbortSignal): Promise<readonly Outcome[]> {
    const { outcomes } = await this.#agent().applyChanges(this.#messages(parts), { signal });
    return outcomes.map(({ result, message }) => outcomeOf({ result, message: said(message) }));
  }

  /** Calls back on every change until the connection ends. */
  async watch(onChange: () => void, signal: AbortSignal): Promise<void> {
    for await (const _change of this.#agent().watchFolder({ folder: this.#message() }, { signal })) onChange();
  }

  async forget(signal: AbortSignal): Promise<void> {
    await this.#agent().forgetFolder({ folder: this.#message() }, { signal });
  }

  #message() {
    return { ...this.#folder, ignorePatterns: [...this.#folder.ignorePatterns] };
  }

  async *#messages(parts: AsyncIterable<ChangePart>) {
    yield { message: { case: "folder" as const, value: this.#message() } };
    for await (const part of parts) {
      if (part.kind === "data") yield { message: { case: "data" as const, value: part.data } };
      else yield { message: { case: "change" as const, value: changeMessage(part.change) } };
    }
  }

  #take(path: string, seen: Seen | undefined, entries: Map<string, Seen>, skipped: Map<string, SkipReason>): void {
    entries.delete(path);
    if (seen === undefined || isLeftOut(this.#ignore, path)) return;
    const problem = pathProblem(path) ?? problemOf(path, seen);
    if (problem === undefined) entries.set(path, seen);
    else skipped.set(path.slice(0, maxPathLength), problem);
  }

  #sizeOf(path: string): number {
    const entry = this.#entries.get(path)?.entry;
    return entry?.kind === "file" ? entry.size : 0;
  }
}

function problemOf(path: string, { entry, stamp }: Seen): SkipReason | undefined {
  if (stamp === "" || stamp.length > maxStampLength) return "unreadable";
  if (entry.kind === "link") return isLinkInside(path, entry.target) ? undefined : "link";
  if (entry.kind === "folder") return undefined;
  if (entry.hash.length !== hashBytes * 2) return "unreadable";
  return Number.isSafeInteger(entry.size) && entry.size >= 0 && entry.size <= syncLimits.maxFileBytes ? undefined : "too-large";
}

/** What lies in something that is no folder, or was not accepted, is not there. */
function withParents(entries: ReadonlyMap<string, Seen>): ReadonlyMap<string, Seen> {
  const accepted = new Map<string, Seen>();
  for (const path of [...entries.keys()].sort(byDepth)) {
    const seen = entries.get(path);
    const parent = parentOf(path);
    if (seen !== undefined && (parent === "" || accepted.get(parent)?.entry.kind === "folder")) accepted.set(path, seen);
  }
  return accepted;
}

function byDepth(a: string, b: string): number {
  return a.split("/").length - b.split("/").length;
}

function said(text: string): string {
  return withoutControls(text).slice(0, maxMessageLength);
}
