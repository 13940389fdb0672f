import { setTimeout as delay } from "node:timers/promises";
import { ObservedContent_State } from "../../contract/gen/berth/v1/agent_pb.js";
import type { MachineKeeper } from "../../engine/machine-keeper.ts";
import { abortable } from "../../lib/abortable.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { FolderSide } from "../../lib/sync/folder-side.ts";
import { conflictOf } from "../../lib/sync/names.ts";
import { Bell } from "./bell.ts";
import { foldsNames } from "./folds-names.ts";
import { RemoteSide } from "./remote-side.ts";
import { SyncBase } from "./sync-base.ts";
import { type Halt, type RoundResult, type SyncProblem, syncRound } from "./sync-round.ts";
import type { SyncRecord, SyncStore } from "./sync-store.ts";

/** One kind taking another's place needs two; more only happen while somebody writes all the time. */
const maxRounds = 6;
const retryMs = 10_000;
/** A large folder takes long to look at; so many times as long the disk is left to the person. */
const pausePerRound = 2;
const maxPauseMs = 10_000;
const forgetTimeoutMs = 5000;

/** Nothing tells when these are over. */
const goesOnByItself: readonly Halt[] = ["local-missing", "remote-missing", "no-space"];

export type SyncState = "in-sync" | "syncing" | "waiting" | "halted" | "failing";

/** How a sync stands. */
export interface SyncView {
  readonly state: SyncState;
  readonly halt: Halt | undefined;
  readonly detail: string;
  readonly conflicts: readonly { readonly path: string; readonly keptAs: string }[];
  readonly problems: readonly SyncProblem[];
  readonly files: number;
  readonly bytes: number;
  readonly lastSyncedAtMs: number | undefined;
}

export type SyncMachine = Pick<MachineKeeper, "view" | "agent" | "awake" | "environment" | "onChange" | "uses">;

export interface SyncSessionOptions {
  readonly record: SyncRecord;
  readonly store: SyncStore;
  readonly machine: SyncMachine;
  readonly now: () => number;
  readonly log: Log;
}

interface Sides {
  readonly local: FolderSide;
  readonly base: SyncBase;
  /** Undefined while it is not known, because the folder is not there. */
  foldsNames: boolean | undefined;
}

/** Keeps two folders the same for as long as it lives. It never wakes a machine by itself: what changed meanwhile waits. */
export class SyncSession {
  readonly #options: SyncSessionOptions;
  readonly #remote: RemoteSide;
  readonly #bell = new Bell();
  readonly #stop = new AbortController();
  #record: SyncRecord;
  #view: SyncView = nothingYet;
  #accepted = { deletes: false, conflicts: false };
  #wasReady = false;
  #isWatching = false;
  #waiters: PromiseWithResolvers<void>[] = [];
  #running: Promise<void> | undefined;

  constructor(options: SyncSessionOptions) {
    this.#options = options;
    this.#record = options.record;
    const { id, environmentId, path, ignorePatterns } = options.record;
    this.#remote = new RemoteSide({ syncId: id, environmentId, path, ignorePatterns }, () => options.machine.agent());
  }

  get record(): SyncRecord {
    return this.#record;
  }

  get view(): SyncView {
    return this.#view;
  }

  start(): void {
    this.#running ??= this.#run().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#options.log.error("a sync ended", { sync: this.#record.id, reason: messageOf(error) });
    });
    this.#bell.ring();
  }

  /** Wakes the machine and resolves after a whole look at both sides. Fails as `MachineKeeper.awake` does. */
  async now(signal: AbortSignal): Promise<void> {
    await this.#options.machine.awake(signal);
    const turn = Promise.withResolvers<void>();
    this.#waiters.push(turn);
    this.#bell.ring();
    await abortable(turn.promise, AbortSignal.any([signal, this.#stop.signal]));
  }

  /** Goes on, once with what it asked about when that is accepted. */
  resume(accepted: { readonly deletes: boolean; readonly conflicts: boolean }): void {
    const before = this.#accepted;
    this.#accepted = { deletes: before.deletes || accepted.deletes, conflicts: before.conflicts || accepted.conflicts };
    this.#bell.ring();
  }

  /** Resolves when nothing is written any more. */
  async close(): Promise<void> {
    this.#stop.abort(new Error("the sync was stopped"));
    await this.#running;
  }

  /** Ends it for good: the machine forgets what it kept for it, when it runs. */
  async end(): Promise<void> {
    await this.close();
    if (this.#isReady()) await this.#remote.forget(AbortSignal.timeout(forgetTimeoutMs)).catch(() => undefined);
    await this.#options.store.remove(this.#record.id, this.#options.now);
  }

  async #run(): Promise<void> {
    const { machine } = this.#options;
    const { signal } = this.#stop;
    let sides: Sides | undefined;
    const unsubscribe = machine.onChange(() => {
      if (this.#isReady() !== this.#wasReady) this.#bell.ring();
    });
    try {
      for (;;) {
        await this.#bell.heard(signal);
        const beganAtMs = performance.now();
        const waiters = this.#waiters.splice(0);
        try {
          sides ??= await this.#openSides();
          await this.#turn(sides);
        } catch (error) {
          signal.throwIfAborted();
          this.#onFailure(error);
        }
        for (const waiter of waiters) waiter.resolve();
        await delay(Math.min(maxPauseMs, (performance.now() - beganAtMs) * pausePerRound), undefined, { signal });
      }
    } finally {
      unsubscribe();
      sides?.local.close();
    }
  }

  async #openSides(): Promise<Sides> {
    const { store, now } = this.#options;
    const { id, localFolder, ignorePatterns } = this.#record;
    const local = await FolderSide.open({ root: localFolder, subfolder: "", ignorePatterns, stateFolder: store.folderOf(id), now });
    local.onChange(() => this.#bell.ring());
    return { local, base: await SyncBase.open(store.baseOf(id)), foldsNames: undefined };
  }

  #isReady(): boolean {
    const { machine } = this.#options;
    const content = machine.environment(this.#record.environmentId)?.content;
    return machine.view === "ready" && content?.state === ObservedContent_State.READY;
  }

  async #turn(sides: Sides): Promise<void> {
    this.#wasReady = this.#isReady();
    if (!this.#wasReady) {
      const { view } = this.#options.machine;
      const detail =
        view === "ready" ? "the environment has no working copy" : view === "asleep" ? "the machine is suspended" : "the machine is off";
      this.#show({ state: "waiting", halt: undefined, detail });
      return;
    }
    this.#watchRemote();
    this.#show({ state: "syncing", halt: undefined, detail: "" });
    let result = await this.#round(sides);
    for (let n = 1; n < maxRounds && result.again && result.halt === undefined; n++) result = await this.#round(sides);
    await this.#onResult(result, sides.base);
  }

  async #round(sides: Sides): Promise<RoundResult> {
    const { machine, now } = this.#options;
    const { local, base } = sides;
    sides.foldsNames ??= await foldsNames(this.#record.localFolder);
    return syncRound({
      local,
      remote: this.#remote,
      base,
      foldsNames: sides.foldsNames ?? false,
      acceptDeletes: this.#accepted.deletes,
      acceptConflicts: this.#accepted.conflicts,
      inDoubt: this.#record.inDoubt,
      onUse: () => machine.uses.note(),
      now,
      signal: this.#stop.signal,
    });
  }

  async #onResult({ halt, problems, local, again }: RoundResult, base: SyncBase): Promise<void> {
    const inDoubt = halt?.reason === "deletes";
    // What was accepted is what was asked about then, and not what comes after.
    if (!inDoubt && halt?.reason !== "conflicts") this.#accepted = { deletes: false, conflicts: false };
    if (inDoubt !== this.#record.inDoubt) {
      this.#record = { ...this.#record, inDoubt };
      await this.#options.store.save(this.#record);
    }
    const files = [...base.entries.values()].filter((entry) => entry.kind === "file");
    const conflicts = [...(local?.entries.keys() ?? [])].flatMap((keptAs) => {
      const path = conflictOf(keptAs);
      return path === undefined ? [] : [{ path, keptAs }];
    });
    this.#show({
      state: halt === undefined ? "in-sync" : "halted",
      halt: halt?.reason,
      detail: halt?.detail ?? "",
      conflicts: local === undefined ? this.#view.conflicts : conflicts,
      problems,
      files: files.length,
      bytes: files.reduce((sum, { size }) => sum + size, 0),
      ...(halt === undefined ? { lastSyncedAtMs: this.#options.now() } : {}),
    });
    if (halt !== undefined) this.#options.log.warn("a sync is halted", { sync: this.#record.id, reason: halt.reason });
    // What could not be done now is tried again, though nothing may tell of a change.
    if (again || (halt !== undefined && goesOnByItself.includes(halt.reason))) this.#ringLater();
  }

  #onFailure(error: unknown): void {
    this.#show({ state: "failing", halt: undefined, detail: messageOf(error) });
    this.#options.log.info("a sync failed and is tried again", { sync: this.#record.id, reason: messageOf(error) });
    this.#ringLater();
  }

  #watchRemote(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    const onEnd = (): void => {
      this.#isWatching = false;
      if (!this.#stop.signal.aborted) this.#ringLater();
    };
    this.#remote.watch(() => this.#bell.ring(), this.#stop.signal).then(onEnd, onEnd);
  }

  #ringLater(): void {
    setTimeout(() => this.#bell.ring(), retryMs).unref();
  }

  #show(change: Partial<SyncView>): void {
    this.#view = { ...this.#view, ...change };
  }
}

const nothingYet: SyncView = {
  state: "waiting",
  halt: undefined,
  detail: "",
  conflicts: [],
  problems: [],
  files: 0,
  bytes: 0,
  lastSyncedAtMs: undefined,
};
