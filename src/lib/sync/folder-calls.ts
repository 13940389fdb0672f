import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { type ChangePart, type Scan, sameEntry, TooManyEntries, type WantedFile } from "./entries.ts";
import { changePartOf, entryMessage, outcomeMessage } from "./folder-messages.ts";
import { FolderSide } from "./folder-side.ts";
import { pathProblem } from "./names.ts";
import { pruneTrashes } from "./trash.ts";

const maxOpenFolders = 64;
const maxWantedFiles = 1000;
/** Of entries, so that a message stays far below the largest that the other end takes. */
const entriesInMessage = 1000;
const syncIdPattern = /^[0-9a-f-]{36}$/;

interface FolderName {
  readonly syncId: string;
  readonly environmentId: string;
  readonly path: string;
  readonly ignorePatterns: readonly string[];
}

interface Opened {
  readonly side: FolderSide;
  last: { readonly version: string; readonly scan: Scan } | undefined;
}

/** Where an environment's working copy is, and a folder for what is kept of its syncs; undefined when it is not known. */
export type FolderPlaces = (environmentId: string) => { readonly root: string; readonly stateFolder: string } | undefined;

type ChangesMessage =
  | { readonly case: "folder"; readonly value: FolderName }
  | { readonly case: "change"; readonly value: Parameters<typeof changePartOf>[0] }
  | { readonly case: "data"; readonly value: Uint8Array }
  | { readonly case: undefined };

/** The methods of berth.v1.AgentService that have to do with synced folders. */
export function folderCalls(places: FolderPlaces, now: () => number) {
  const folders = new OpenFolders(places, now);
  return {
    scanFolder: async function* (
      request: { folder?: FolderName | undefined; knownVersion: string },
      { signal }: { readonly signal: AbortSignal },
    ) {
      const opened = await folders.open(request.folder);
      const scan = await opened?.side.scan(signal).catch(tooMany);
      if (opened === undefined || scan === undefined) {
        yield { version: "", everything: true, missing: true, complete: true };
        return;
      }
      const before = opened.last?.version === request.knownVersion ? opened.last.scan : undefined;
      const version = randomUUID();
      opened.last = { version, scan };
      yield* scanMessages(scan, before, version);
    },
    watchFolder: async function* (request: { folder?: FolderName | undefined }, { signal }: { readonly signal: AbortSignal }) {
      const opened = await folders.open(request.folder);
      if (opened !== undefined) for await (const _change of opened.side.changes(signal)) yield {};
    },
    readFiles: async function* (
      request: { folder?: FolderName | undefined; files: WantedFile[] },
      { signal }: { readonly signal: AbortSignal },
    ) {
      if (request.files.length > maxWantedFiles) throw new ConnectError(`more than ${maxWantedFiles} files at once`, Code.InvalidArgument);
      const opened = await folders.open(request.folder);
      if (opened === undefined) return;
      for await (const { index, data } of opened.side.read(request.files, signal)) yield { index, data: new Uint8Array(data) };
    },
    applyChanges: async (requests: AsyncIterable<{ readonly message: ChangesMessage }>, { signal }: { readonly signal: AbortSignal }) => {
      const iterator = requests[Symbol.asyncIterator]();
      const first = await iterator.next();
      if (first.done === true || first.value.message.case !== "folder")
        throw new ConnectError("the first message must be folder", Code.InvalidArgument);
      const opened = await folders.open(first.value.message.value);
      if (opened === undefined) throw new ConnectError("there is no such working copy", Code.NotFound);
      return { outcomes: (await opened.side.apply(changeParts(iterator), signal)).map(outcomeMessage) };
    },
    forgetFolder: async (request: { folder?: FolderName | undefined }) => {
      await folders.forget(request.folder);
      return {};
    },
  };
}

/** The folders that were asked for since this program started. */
class OpenFolders {
  readonly #places: FolderPlaces;
  readonly #now: () => number;
  readonly #opened = new Map<string, Promise<Opened>>();

  constructor(places: FolderPlaces, now: () => number) {
    this.#places = places;
    this.#now = now;
  }

  async open(name: FolderName | undefined): Promise<Opened | undefined> {
    const checked = checkedName(name);
    const place = this.#places(checked.environmentId);
    if (place === undefined) return undefined;
    const key = keyOf(checked);
    const known = this.#opened.get(key);
    if (known !== undefined) return known;
    if (this.#opened.size >= maxOpenFolders)
      throw new ConnectError(`more than ${maxOpenFolders} folders are synced`, Code.ResourceExhausted);
    const opening = this.#open(checked, place);
    this.#opened.set(key, opening);
    opening.catch(() => this.#opened.delete(key));
    return opening;
  }

  async forget(name: FolderName | undefined): Promise<void> {
    const checked = checkedName(name);
    const opened = this.#opened.get(keyOf(checked));
    this.#opened.delete(keyOf(checked));
    (await opened)?.side.close();
    const place = this.#places(checked.environmentId);
    if (place === undefined) return;
    await rm(join(place.stateFolder, checked.syncId, "hashes.json"), { force: true });
    await pruneTrashes(place.stateFolder, this.#now);
  }

  async #open(
    { syncId, path, ignorePatterns }: FolderName,
    { root, stateFolder }: { readonly root: string; readonly stateFolder: string },
  ) {
    await pruneTrashes(stateFolder, this.#now);
    const side = await FolderSide.open({ root, subfolder: path, ignorePatterns, stateFolder: join(stateFolder, syncId), now: this.#now });
    return { side, last: undefined };
  }
}

function checkedName(name: FolderName | undefined): FolderName {
  if (name === undefined || !syncIdPattern.test(name.syncId)) throw new ConnectError("a sync's id is a UUID", Code.InvalidArgument);
  if (name.path !== "" && pathProblem(name.path) !== undefined) throw new ConnectError("the path is not accepted", Code.InvalidArgument);
  return name;
}

function keyOf({ syncId, environmentId, path, ignorePatterns }: FolderName): string {
  return JSON.stringify([syncId, environmentId, path, ignorePatterns]);
}

function* scanMessages(scan: Scan, before: Scan | undefined, version: string) {
  const changed = [...scan.entries].filter(([path, { stamp, entry }]) => {
    const known = before?.entries.get(path);
    return known === undefined || known.stamp !== stamp || !sameEntry(known.entry, entry);
  });
  const removedPaths = [...(before?.entries.keys() ?? [])].filter((path) => !scan.entries.has(path));
  const skipped = [...scan.skipped].map(([path, reason]) => ({ path, reason }));
  const head = { version, everything: before === undefined };
  for (let at = 0; at < changed.length; at += entriesInMessage)
    yield { ...head, entries: changed.slice(at, at + entriesInMessage).map(([path, seen]) => entryMessage(path, seen)) };
  for (let at = 0; at < removedPaths.length; at += entriesInMessage)
    yield { ...head, removedPaths: removedPaths.slice(at, at + entriesInMessage) };
  for (let at = 0; at < skipped.length; at += entriesInMessage) yield { ...head, skipped: skipped.slice(at, at + entriesInMessage) };
  yield { ...head, complete: true };
}

async function* changeParts(iterator: AsyncIterator<{ readonly message: ChangesMessage }>): AsyncGenerator<ChangePart> {
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    const { message } = next.value;
    if (message.case === "data") yield { kind: "data", data: message.value };
    if (message.case !== "change") continue;
    const part = changePartOf(message.value);
    if (part === undefined) throw new ConnectError("a change is not complete", Code.InvalidArgument);
    yield part;
  }
}

function tooMany(error: unknown): never {
  if (error instanceof TooManyEntries) throw new ConnectError(error.message, Code.ResourceExhausted);
  throw error;
}
