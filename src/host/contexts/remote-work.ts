import { createClient, type Transport } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import type { RemoteEnvironment, RemoteEnvironmentClass, RemoteEnvironmentDetails } from "../../contract/gen/berth/v1/context_pb.js";
import { EventService } from "../../contract/gen/gitpod/v1/event_pb.js";
import { RunnerPhase, RunnerService } from "../../contract/gen/gitpod/v1/runner_pb.js";
import type { Environment } from "../../contract/gen/gitpod/v1/environment_pb.js";
import type { Log } from "../../lib/log.ts";
import { type ChangeOutcome, ChangeQueue } from "./change-queue.ts";
import type { KnownEnvironments, Owner } from "./known-environments.ts";
import { plain, remoteEnvironment } from "./list-environments.ts";
import { remoteDetails, type Surroundings } from "./remote-details.ts";
import { type CallPlane, type NewRemoteEnvironment, RemoteEnvironments, type WantedChange } from "./remote-environments.ts";
import { type ChangeRecords, type QueuedChange, WaitingChanges } from "./waiting-changes.ts";
import { type Seen, watchEnvironment } from "./watch-environment.ts";

/** How long somebody waits for the plane to take a change before it is kept; less where the plane was away just now. */
const changeTimeoutMs = 30_000;
const changeWhileAwayTimeoutMs = 4000;
const nobodysSurroundings: Surroundings = { className: "", runnerName: "", runnerPhase: RunnerPhase.UNSPECIFIED };

export interface RemoteWorkOptions {
  /** What waits for the plane. */
  readonly changesPath: string;
  readonly transport: Transport;
  /** Makes a call, and notes whether the plane is away. */
  readonly call: CallPlane;
  /** The same without noting anything. */
  readonly callQuietly: CallPlane;
  /** Who is signed in. Fails with `sign-in-required`. */
  readonly person: () => Promise<Owner>;
  readonly known: KnownEnvironments;
  readonly isAway: () => boolean;
  /** A change waits now. */
  readonly onWaiting: () => void;
  readonly log: Log;
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** What a person does with the environments of a plane. */
export class RemoteWork {
  readonly #options: RemoteWorkOptions;
  readonly #environments: RemoteEnvironments;
  readonly #records: WaitingChanges;
  readonly #queue: ChangeQueue;

  constructor(options: RemoteWorkOptions) {
    const { transport, call, known, log, now, changesPath } = options;
    this.#options = options;
    this.#environments = new RemoteEnvironments({ transport, call });
    this.#records = new WaitingChanges(changesPath, log);
    this.#queue = new ChangeQueue({ records: this.#records, environments: this.#environments, known, log, now });
  }

  async classes(signal: AbortSignal): Promise<RemoteEnvironmentClass[]> {
    await this.#options.person();
    return this.#environments.classes(signal);
  }

  /** As `RemoteEnvironments.create`. */
  async create(wanted: NewRemoteEnvironment, signal: AbortSignal): Promise<RemoteEnvironment> {
    const { person, known } = this.#options;
    const owner = await person();
    const environment = remoteEnvironment(await this.#environments.create(wanted, signal));
    await known.note(owner, environment);
    return environment;
  }

  /** As `ChangeQueue.change`. */
  async change(wanted: WantedChange, signal: AbortSignal): Promise<ChangeOutcome> {
    const { person, isAway, onWaiting } = this.#options;
    const limit = AbortSignal.timeout(isAway() ? changeWhileAwayTimeoutMs : changeTimeoutMs);
    const outcome = await this.#queue.change(await person(), wanted, { signal, limit });
    if (outcome.waiting !== undefined) onWaiting();
    return outcome;
  }

  /** Fails with `environment-not-found`. */
  async details(environmentId: string, signal: AbortSignal): Promise<RemoteEnvironmentDetails> {
    await this.#options.person();
    const environment = await this.#environments.get(environmentId, signal);
    return remoteDetails(environment, await this.#surroundings(environment, signal));
  }

  /** As `watchEnvironment`; what is beside the environment is looked at once. */
  async *watch(environmentId: string, signal: AbortSignal): AsyncGenerator<Seen> {
    const { transport, callQuietly, random, person } = this.#options;
    await person();
    let surroundings: Surroundings | undefined;
    const look = async (ended: AbortSignal): Promise<RemoteEnvironmentDetails | undefined> => {
      const found = await this.#environments.find(environmentId, ended);
      if (found === undefined) return undefined;
      surroundings ??= await this.#surroundings(found, ended);
      return remoteDetails(found, surroundings);
    };
    const events = createClient(EventService, transport);
    yield* watchEnvironment({ environmentId, events, call: callQuietly, look, random }, signal);
  }

  /** What waits for the plane of one person's, and what was dropped of it. */
  async changesOf(owner: Owner): Promise<ChangeRecords> {
    return this.#queue.of(owner);
  }

  /** Whether something waits that the plane could be told. */
  async hasWork(owner: Owner): Promise<boolean> {
    return this.#queue.hasWork(owner);
  }

  /** As `ChangeQueue.tellWaiting`. */
  async tellWaiting(owner: Owner, signal: AbortSignal): Promise<void> {
    await this.#queue.tellWaiting(owner, signal);
  }

  /** Fails with `change-not-found`. */
  async takeBack(changeId: string): Promise<QueuedChange> {
    return this.#queue.takeBack(await this.#options.person(), changeId);
  }

  async forgetDropped(changeIds: readonly string[]): Promise<void> {
    await this.#queue.forgetDropped(await this.#options.person(), changeIds);
  }

  /** Before a sign-in ends: fails with `changes-waiting` unless what waits may go with it. */
  async leave(owner: Owner, { discardChanges }: { readonly discardChanges: boolean }): Promise<void> {
    const { waiting } = await this.#queue.of(owner);
    const [first] = waiting;
    if (first !== undefined && !discardChanges)
      throw new BerthError("changes-waiting", waiting.length === 1 ? `one, of ${first.environmentName}` : `${waiting.length}`);
    await this.#queue.discard(owner);
  }

  async #surroundings({ spec, metadata }: Environment, signal: AbortSignal): Promise<Surroundings> {
    const { callQuietly, transport } = this.#options;
    const runnerId = metadata?.runnerId ?? "";
    const runners = createClient(RunnerService, transport);
    try {
      const className = await this.#environments.className(spec?.machine?.class ?? "", signal);
      const { runner } = await callQuietly(async (options) => runners.getRunner({ runnerId }, options), signal);
      return { className, runnerName: plain(runner?.name ?? ""), runnerPhase: runner?.status?.phase ?? RunnerPhase.UNSPECIFIED };
    } catch {
      // They are for people's eyes alone, and a role may not show them.
      return nobodysSurroundings;
    }
  }
}
