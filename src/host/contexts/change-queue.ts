import { randomUUID } from "node:crypto";
import { planeCallFailure } from "../../bridge/plane-transport.ts";
import { BerthError } from "../../contract/berth-error.ts";
import { type ErrorCode, errorEntry } from "../../contract/error-catalogue.ts";
import type { ErrorEntry } from "../../contract/error-entry.ts";
import type { RemoteEnvironment } from "../../contract/gen/berth/v1/context_pb.js";
import type { Environment } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { abortable } from "../../lib/abortable.ts";
import type { Log } from "../../lib/log.ts";
import { type EnvironmentNow, type Verdict, verdictOn, versionAfter } from "./change-rule.ts";
import type { KnownEnvironments, Owner } from "./known-environments.ts";
import { plain, remoteEnvironment } from "./list-environments.ts";
import type { RemoteEnvironments, WantedChange } from "./remote-environments.ts";
import { type ChangeRecords, type DroppedRecord, type QueuedChange, type WaitingChanges, withChange } from "./waiting-changes.ts";

/** Answers after which the plane may well say something else in a while. */
const passing: ReadonlySet<ErrorEntry["connectCode"]> = new Set(["unavailable", "resource_exhausted", "deadline_exceeded", "aborted"]);
/** What ends a round: without the plane, or without a sign-in, nothing else goes either. */
const endsRound: ReadonlySet<ErrorCode> = new Set(["plane-unreachable", "sign-in-required", "canceled"]);

export interface ChangeQueueOptions {
  readonly records: WaitingChanges;
  readonly environments: RemoteEnvironments;
  readonly known: KnownEnvironments;
  readonly log: Log;
  readonly now: () => number;
}

/** What became of a change: the plane was told, or it waits. */
export interface ChangeOutcome {
  readonly waiting?: QueuedChange;
  readonly environment?: RemoteEnvironment;
}

/** Tells a plane of changes one after the other, and keeps those that are made while it is away. */
export class ChangeQueue {
  readonly #options: ChangeQueueOptions;
  #turn: Promise<unknown> = Promise.resolve();
  /** The change that the plane is told of at this moment, or was told of and that waits in the file still. */
  #telling: string | undefined;
  /** What is being taken out of the file. */
  readonly #takingBack = new Set<string>();

  constructor(options: ChangeQueueOptions) {
    this.#options = options;
  }

  async of(owner: Owner): Promise<ChangeRecords> {
    return this.#options.records.of(owner);
  }

  /** Whether there are any that wait for nobody's answer. */
  async hasWork(owner: Owner): Promise<boolean> {
    return (await this.of(owner)).waiting.some(({ needsConfirmation }) => !needsConfirmation);
  }

  /**
   * Tells the plane of a change, after those that wait. When it is away, also when it does not answer before `limit` aborts, the
   * change is kept. Fails as the plane does, with `uncommitted-work`, and as `withChange` does.
   */
  async change(
    owner: Owner,
    wanted: WantedChange,
    { signal, limit }: { readonly signal: AbortSignal; readonly limit: AbortSignal },
  ): Promise<ChangeOutcome> {
    const attempt = AbortSignal.any([signal, limit]);
    try {
      return await this.#inTurn(async () => {
        await this.#tellWaiting(owner, attempt);
        return this.#tellNow(owner, wanted, attempt);
      }, attempt);
    } catch (error) {
      signal.throwIfAborted();
      const failure = limit.aborted ? new BerthError("plane-unreachable", "it did not answer in time") : planeCallFailure(error);
      if (failure.code !== "plane-unreachable") throw failure;
      return { waiting: await this.#keep(owner, wanted, failure) };
    }
  }

  /** Tells the plane of all that waits, in order. Fails when it is away or the sign-in has ended; the rest waits on. */
  async tellWaiting(owner: Owner, signal: AbortSignal): Promise<void> {
    await this.#inTurn(async () => this.#tellWaiting(owner, signal), signal);
  }

  /** Fails with `change-not-found`, and with `change-being-told` while the plane may have it already. */
  async takeBack(owner: Owner, changeId: string): Promise<QueuedChange> {
    // Not in turn: a plane that does not answer must not keep anybody from it.
    const change = (await this.of(owner)).waiting.find(({ id }) => id === changeId);
    if (change === undefined) throw new BerthError("change-not-found", plain(changeId));
    if (this.#telling === changeId) throw new BerthError("change-being-told", change.environmentName);
    this.#takingBack.add(changeId);
    try {
      await this.#options.records.update((records) => without(records, changeId));
    } finally {
      this.#takingBack.delete(changeId);
    }
    return change;
  }

  async forgetDropped(owner: Owner, changeIds: readonly string[]): Promise<void> {
    const ids = new Set((await this.of(owner)).dropped.map(({ change }) => change.id).filter((id) => changeIds.includes(id)));
    if (ids.size === 0) return;
    await this.#options.records.update(({ waiting, dropped }) => ({
      waiting,
      dropped: dropped.filter(({ change }) => !ids.has(change.id)),
    }));
  }

  /** All of one person, when they sign out. */
  async discard(owner: Owner): Promise<void> {
    const { waiting, dropped } = await this.of(owner);
    if (waiting.length + dropped.length === 0) return;
    const ids = new Set([...waiting, ...dropped.map(({ change }) => change)].map(({ id }) => id));
    await this.#options.records.update((records) => ({
      waiting: records.waiting.filter(({ id }) => !ids.has(id)),
      dropped: records.dropped.filter(({ change }) => !ids.has(change.id)),
    }));
  }

  async #tellNow(owner: Owner, wanted: WantedChange, signal: AbortSignal): Promise<ChangeOutcome> {
    const { environments, records, known } = this.#options;
    const { environmentId, kind } = wanted;
    if (kind === "delete") checkLoss(remoteEnvironment(await environments.get(environmentId, signal)), wanted);
    await environments.tell(wanted, signal);
    if ((await this.of(owner)).waiting.some((c) => c.environmentId === environmentId && kind === "delete"))
      await records.update(({ waiting, dropped }) => ({ waiting: waiting.filter((c) => c.environmentId !== environmentId), dropped }));
    // It is told; that it cannot be looked at now changes nothing about that.
    const now = await environments.find(environmentId, signal).catch(() => undefined);
    if (now === undefined) return {};
    const environment = remoteEnvironment(now);
    // What is changed next while the plane is away is changed from here.
    await known.note(owner, environment);
    return { environment };
  }

  /** Keeps a change with what the person saw; a change of something that was never seen cannot be kept. */
  async #keep({ organizationId, accountId }: Owner, wanted: WantedChange, failure: BerthError): Promise<QueuedChange> {
    const { records, known, log, now } = this.#options;
    const list = await known.of({ organizationId, accountId });
    const seen = list?.environments.find(({ environmentId }) => environmentId === wanted.environmentId);
    if (seen === undefined) throw failure;
    if (wanted.kind === "delete") checkLoss(seen, wanted);
    const change: QueuedChange = {
      ...{ id: randomUUID(), organizationId, accountId, environmentId: seen.environmentId, environmentName: seen.name },
      ...{ kind: wanted.kind, newName: wanted.newName, madeAtMs: now(), needsConfirmation: false },
      ...{ specVersion: seen.specVersion, workDigest: seen.workDigest },
    };
    await records.update((before) => withChange(before, change));
    log.info("a change waits for a plane that is away", { change: change.id, kind: change.kind, environment: change.environmentId });
    return change;
  }

  async #tellWaiting(owner: Owner, signal: AbortSignal): Promise<void> {
    const tried = new Set<string>();
    const held = new Set<string>();
    for (;;) {
      const { waiting } = await this.of(owner);
      const next = waiting.find((c) => !c.needsConfirmation && !tried.has(c.id) && !held.has(c.environmentId));
      if (next === undefined) return;
      tried.add(next.id);
      // What comes after it at the same environment keeps its place.
      if (!(await this.#tellOne(next, signal))) held.add(next.environmentId);
    }
  }

  /** False when it has to wait on. */
  async #tellOne(change: QueuedChange, signal: AbortSignal): Promise<boolean> {
    const { environments, log } = this.#options;
    try {
      const found = await environments.find(change.environmentId, signal);
      const verdict = verdictOn(change, found === undefined ? undefined : nowOf(found));
      if (verdict === "tell") {
        if (this.#isTakenBack(change)) return true;
        // Until it is out of the file: who takes it back meanwhile would believe that it never happened.
        this.#telling = change.id;
        await environments.tell(change, signal);
      }
      await this.#settle(change, verdict, { found, signal });
      log.info("a waiting change was looked at", { change: change.id, kind: change.kind, verdict });
      return true;
    } catch (error) {
      const failure = planeCallFailure(error);
      if (endsRound.has(failure.code)) throw failure;
      if (passing.has(errorEntry(failure.code).connectCode)) return false;
      log.info("the plane refused a waiting change", { change: change.id, kind: change.kind, code: failure.code });
      await this.#drop(change, { reason: "refused", errorCode: failure.code, detail: plain(failure.detail) });
      return true;
    } finally {
      this.#telling = undefined;
    }
  }

  /** Also while that is being written. */
  #isTakenBack({ id }: QueuedChange): boolean {
    return this.#takingBack.has(id) || !this.#options.records.isWaiting(id);
  }

  async #settle(
    change: QueuedChange,
    verdict: Verdict,
    { found, signal }: { readonly found: Environment | undefined; readonly signal: AbortSignal },
  ): Promise<void> {
    switch (verdict) {
      case "tell":
      case "done":
        return this.#carriedOut(change, found, signal);
      case "gone":
      case "changed-meanwhile":
        return this.#drop(change, { reason: verdict, errorCode: "", detail: "" });
      case "ask":
        return this.#options.records.update(({ waiting, dropped }) => ({
          waiting: waiting.map((c) => (c.id === change.id ? { ...c, needsConfirmation: true } : c)),
          dropped,
        }));
    }
  }

  /** Takes it out, and lets what waits after it at the same environment count our own change as seen. */
  async #carriedOut(change: QueuedChange, found: Environment | undefined, signal: AbortSignal): Promise<void> {
    const { environments, records } = this.#options;
    const isNext = (c: QueuedChange): boolean => c.environmentId === change.environmentId && c.id !== change.id;
    const hasNext = (await records.all()).waiting.some(isNext);
    const now = hasNext && found !== undefined ? await environments.find(change.environmentId, signal) : undefined;
    const specVersion = versionAfter(change.specVersion, now?.spec?.specVersion ?? change.specVersion);
    await records.update((before) => {
      const { waiting, dropped } = without(before, change.id);
      return { waiting: waiting.map((c) => (isNext(c) && !c.needsConfirmation ? { ...c, specVersion } : c)), dropped };
    });
  }

  async #drop(change: QueuedChange, why: Omit<DroppedRecord, "change" | "droppedAtMs">): Promise<void> {
    const droppedAtMs = this.#options.now();
    await this.#options.records.update((before) => {
      // It was taken back meanwhile: then nothing was dropped.
      if (!before.waiting.some(({ id }) => id === change.id)) return before;
      const { waiting, dropped } = without(before, change.id);
      return { waiting, dropped: [...dropped, { change, ...why, droppedAtMs }] };
    });
  }

  async #inTurn<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const done = this.#turn.then(async () => {
      signal.throwIfAborted();
      return work();
    });
    this.#turn = done.catch(() => undefined);
    return abortable(done, signal);
  }
}

function without({ waiting, dropped }: ChangeRecords, changeId: string): ChangeRecords {
  return { waiting: waiting.filter(({ id }) => id !== changeId), dropped };
}

function nowOf(environment: Environment): EnvironmentNow {
  const { specVersion, desiredPhase, workDigest } = remoteEnvironment(environment);
  // The name as it is, to be compared with what the person typed.
  return { specVersion, desiredPhase, workDigest, name: environment.metadata?.name ?? "" };
}

/** Fails with `uncommitted-work` when a deletion would lose work that nobody agreed to lose. */
function checkLoss({ name, changedFiles, unpushedCommits, workUnknown }: RemoteEnvironment, { acceptLoss }: WantedChange): void {
  const lost = workUnknown
    ? ["changes that are not known, because it is not a git repository"]
    : [counted(changedFiles, "changed file"), counted(unpushedCommits, "unpushed commit")].filter((text) => text !== "");
  if (!acceptLoss && lost.length > 0) throw new BerthError("uncommitted-work", `${name} has ${lost.join(" and ")}`);
}

function counted(count: number, what: string): string {
  return count === 0 ? "" : `${count} ${what}${count === 1 ? "" : "s"}`;
}
