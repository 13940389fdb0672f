import { lstat, mkdir, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join, parse } from "node:path";
import { randomUUID } from "node:crypto";
import { BerthError } from "../../contract/berth-error.ts";
import { isErrno } from "../../lib/errno.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { isWithin } from "../../lib/path-within.ts";
import { ignoreOf } from "../../lib/sync/ignore.ts";
import { pathProblem } from "../../lib/sync/names.ts";
import { type SyncMachine, SyncSession } from "./sync-session.ts";
import { type SyncRecord, SyncStore } from "./sync-store.ts";

const maxSyncs = 32;

export interface SyncsOptions {
  readonly berthHome: string;
  /** The machine that an environment is on. */
  readonly machineOf: (environmentId: string) => SyncMachine;
  readonly now: () => number;
  readonly log: Log;
}

export interface SyncWish {
  readonly environmentId: string;
  readonly localFolder: string;
  readonly path: string;
  readonly ignorePatterns: readonly string[];
}

/** All syncs of this computer. They are in files and go on with the next host. */
export class Syncs {
  readonly #options: SyncsOptions;
  readonly #store: SyncStore;
  readonly #sessions = new Map<string, SyncSession>();

  constructor(options: SyncsOptions) {
    this.#options = options;
    this.#store = new SyncStore(join(options.berthHome, "sync"));
  }

  /** Goes on with those that an earlier host had. */
  async load(): Promise<void> {
    for (const record of await this.#store.load(this.#options.now)) this.#begin(record);
  }

  /** The oldest first. */
  get all(): readonly SyncSession[] {
    return [...this.#sessions.values()];
  }

  /** Fails with `sync-not-found`. */
  get(id: string): SyncSession {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new BerthError("sync-not-found", `'${id}'`);
    return session;
  }

  /** Fails with `sync-refused` or `argument-invalid`; an existing sync of the same two folders is given back. */
  async start(wish: SyncWish): Promise<SyncSession> {
    const path = wish.path.replace(/^(?:\.\/)+|\/+$/g, "").replace(/^\.$/, "");
    if (path !== "" && pathProblem(path) !== undefined)
      throw new BerthError("argument-invalid", `'${wish.path}' is no path in the working copy`);
    try {
      ignoreOf(wish.ignorePatterns);
    } catch (error) {
      throw new BerthError("argument-invalid", messageOf(error), { cause: error });
    }
    const localFolder = await this.#ownFolder(wish.localFolder);
    for (const { record } of this.all) {
      const isSame = record.localFolder === localFolder && record.environmentId === wish.environmentId && record.path === path;
      if (isSame) return this.get(record.id);
      if (isWithin(record.localFolder, localFolder) || isWithin(localFolder, record.localFolder))
        throw new BerthError("sync-refused", `${record.localFolder} is synced already`);
    }
    if (this.#sessions.size >= maxSyncs) throw new BerthError("sync-refused", `there are ${maxSyncs} syncs already`);
    const { environmentId, ignorePatterns } = wish;
    const startedAtMs = this.#options.now();
    const record = { id: randomUUID(), environmentId, localFolder, path, ignorePatterns: [...ignorePatterns], startedAtMs, inDoubt: false };
    await this.#store.save(record);
    return this.#begin(record);
  }

  /** Ends one; both folders stay as they are. */
  async stop(id: string): Promise<void> {
    const session = this.get(id);
    this.#sessions.delete(id);
    await session.end();
  }

  /** Lets go of all; the next host goes on with them. */
  async close(): Promise<void> {
    await Promise.all(this.all.map(async (session) => session.close()));
  }

  #begin(record: SyncRecord): SyncSession {
    const { machineOf, now, log } = this.#options;
    const session = new SyncSession({ record, store: this.#store, machine: machineOf(record.environmentId), now, log });
    this.#sessions.set(record.id, session);
    session.start();
    return session;
  }

  /** The folder itself, made when only it is missing. */
  async #ownFolder(folder: string): Promise<string> {
    const refuse = (why: string): never => {
      throw new BerthError("sync-refused", `${folder}: ${why}`);
    };
    if (!isAbsolute(folder)) throw new BerthError("argument-invalid", `'${folder}' is no absolute path`);
    await mkdir(folder).catch((error: unknown) => {
      if (!isErrno(error, "EEXIST")) refuse(messageOf(error));
    });
    const real = await realpath(folder).catch((error: unknown) => refuse(messageOf(error)));
    if (!(await lstat(real)).isDirectory()) refuse("it is no folder");
    const berthHome = await realpath(this.#options.berthHome);
    if (real === parse(real).root || real === homedir()) refuse("it holds more than work");
    if (isWithin(real, berthHome) || isWithin(berthHome, real)) refuse("Berth's own files are there");
    return real;
  }
}
