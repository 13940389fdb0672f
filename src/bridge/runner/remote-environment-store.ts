import { clone, create, equals } from "@bufbuild/protobuf";
import { BerthError } from "../../contract/berth-error.ts";
import type { EnvironmentStore, OpenSecret } from "../../contract/engine-port.ts";
import {
  type Environment,
  EnvironmentPhase,
  EnvironmentSchema,
  type EnvironmentStatus,
  EnvironmentStatus_RunnerACK_StatusCode as AckCode,
  EnvironmentStatusSchema,
} from "../../contract/gen/gitpod/v1/environment_pb.js";
import {
  type RunnerEnvironment,
  RunnerEnvironmentSchema,
  RunnerInteractionService,
} from "../../contract/gen/gitpod/v1/runner_interaction_pb.js";
import { type Log, messageOf } from "../../lib/log.ts";
import type { EnvironmentCache } from "./environment-cache.ts";
import { listPageSize, maxListPages } from "./limits.ts";
import type { PlaneConnection } from "./plane-connection.ts";
import type { RunnerClasses } from "./runner-classes.ts";
import type { RunnerCredentials } from "./runner-credentials.ts";
import type { StatusOutbox } from "./status-outbox.ts";

interface Known {
  readonly wanted: RunnerEnvironment;
  /** What the engine observed last. */
  readonly status: EnvironmentStatus | undefined;
  /** When the plane said so, in the order of its answers. */
  readonly answeredAt: number;
  /** The plane does not know it any more. */
  readonly isOrphan: boolean;
}

/**
 * The environments that a remote plane wants on this runner, as the engine sees them. Reads are answered from what is known
 * here, so the engine works on while the plane is away; what it writes waits in the outbox.
 */
export class RemoteEnvironmentStore implements EnvironmentStore {
  readonly #connection: PlaneConnection;
  readonly #outbox: StatusOutbox;
  readonly #credentials: RunnerCredentials;
  readonly #cache: EnvironmentCache;
  readonly #classes: RunnerClasses;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  readonly #known = new Map<string, Known>();
  readonly #listeners = new Set<(environmentId: string) => void>();
  readonly #loaded = Promise.withResolvers<void>();
  #runnerId: string | undefined;
  /** Counts questions and answers, so that it is known which came first. */
  #count = 0;
  #saving: Promise<void> | undefined;
  #isSavingAgain = false;

  constructor(options: {
    readonly connection: PlaneConnection;
    readonly outbox: StatusOutbox;
    readonly credentials: RunnerCredentials;
    readonly cache: EnvironmentCache;
    readonly classes: RunnerClasses;
    readonly log: Log;
    /** Ends the calls that are under way. */
    readonly signal: AbortSignal;
  }) {
    this.#connection = options.connection;
    this.#outbox = options.outbox;
    this.#credentials = options.credentials;
    this.#cache = options.cache;
    this.#classes = options.classes;
    this.#log = options.log;
    this.#signal = options.signal;
  }

  /** Begins with what was known when the runner ran last, where that was kept. */
  async loadCache(): Promise<void> {
    await this.#classes.loadCache();
    const environments = await this.#cache.load();
    for (const wanted of environments ?? [])
      if (!this.#known.has(wanted.id)) this.#known.set(wanted.id, { wanted, status: undefined, answeredAt: 0, isOrphan: false });
    if (environments !== undefined) this.#loaded.resolve();
  }

  /** Environments that are here and that the plane does not know. */
  get orphanIds(): readonly string[] {
    return [...this.#known.values()].filter(({ isOrphan }) => isOrphan).map(({ wanted }) => wanted.id);
  }

  /** Has an orphan deleted; the plane has nothing to say to it. Fails with `environment-not-found`. */
  deleteOrphan(environmentId: string): void {
    const known = this.#known.get(environmentId);
    if (known?.isOrphan !== true) throw new BerthError("environment-not-found", `${environmentId} is none that the plane forgot`);
    const wanted = clone(RunnerEnvironmentSchema, known.wanted);
    if (wanted.spec !== undefined) {
      wanted.spec.desiredPhase = EnvironmentPhase.DELETED;
      wanted.spec.specVersion++;
    }
    this.#known.set(environmentId, { ...known, wanted });
    this.#save();
    this.#notify(environmentId);
  }

  signedUp(runnerId: string): void {
    this.#runnerId = runnerId;
  }

  /** In the order of the plane. Waits until something is known, from the plane or from the last time. */
  async list(): Promise<readonly Environment[]> {
    await this.#loaded.promise;
    return [...this.#known.values()].map(toEnvironment);
  }

  async get(environmentId: string): Promise<Environment | undefined> {
    await this.#loaded.promise;
    const known = this.#known.get(environmentId);
    return known === undefined ? undefined : toEnvironment(known);
  }

  async writeStatus(environmentId: string, observed: EnvironmentStatus): Promise<void> {
    const known = this.#known.get(environmentId);
    if (known === undefined) return;
    const status = acknowledging(observed, known.wanted);
    this.#known.set(environmentId, { ...known, status });
    this.#outbox.put(environmentId, status);
  }

  /** The plane learns it as the last status, and forgets the environment then. */
  async remove(environmentId: string): Promise<void> {
    const known = this.#known.get(environmentId);
    if (known === undefined) return;
    this.#known.delete(environmentId);
    this.#credentials.forgetEnvironment(environmentId);
    const last = create(EnvironmentStatusSchema, { phase: EnvironmentPhase.DELETED });
    this.#outbox.put(environmentId, acknowledging(last, known.wanted));
    this.#save();
  }

  onSpecChange(listener: (environmentId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async openSecrets(environmentId: string): Promise<readonly OpenSecret[]> {
    const wanted = this.#known.get(environmentId)?.wanted;
    if (wanted === undefined) throw new BerthError("environment-not-found", `there is no environment ${environmentId}`);
    const secrets = wanted.spec?.secrets ?? [];
    return this.#credentials.openSecrets({ id: environmentId, secrets, accessToken: wanted.environmentAccessToken }, this.#signal);
  }

  async openHostCredential(principalId: string, host: string): Promise<{ username: string; password: string } | undefined> {
    const runnerId = this.#mustRunnerId();
    return this.#credentials.openHostCredential({ runnerId, principalId, host }, this.#signal);
  }

  /** Sends one status to the plane; for the outbox. */
  async send(environmentId: string, status: EnvironmentStatus, signal: AbortSignal): Promise<void> {
    const runnerId = this.#runnerId;
    if (runnerId === undefined) throw new BerthError("plane-unreachable", "the runner has not signed up yet");
    const client = this.#connection.client(RunnerInteractionService);
    try {
      await this.#connection.call((call) => client.updateRunnerEnvironmentStatus({ runnerId, environmentId, status }, call), signal);
      if (status.phase === EnvironmentPhase.DELETED) this.#outbox.forget(environmentId);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#outbox.forget(environmentId);
      this.#vanished(environmentId);
    }
  }

  /** Looks at one environment again, as a hint said. */
  async refresh(environmentId: string): Promise<void> {
    const askedAt = ++this.#count;
    const wanted = await this.#fetch(environmentId);
    if (wanted === undefined) this.#vanished(environmentId);
    else {
      await this.#learnClasses([wanted]);
      this.#take(wanted, askedAt);
    }
    this.#save();
  }

  /** Lists what the plane wants: heals every hint that was lost. */
  async resync(): Promise<void> {
    const askedAt = ++this.#count;
    const listed = await this.#listAll();
    await this.#learnClasses(listed);
    for (const wanted of listed) this.#take(wanted, askedAt);
    const ids = new Set(listed.map(({ id }) => id));
    // A list that changes between two pages may leave one out, so each that is missing is asked for.
    for (const id of [...this.#known.keys()].filter((known) => !ids.has(known))) {
      const wanted = await this.#fetch(id);
      if (wanted === undefined) this.#vanished(id);
    }
    this.#loaded.resolve();
    this.#save();
    this.#outbox.resynced();
  }

  /** Which machine an environment is on, and how big it is, is known before anything is done for it. */
  async #learnClasses(wanted: readonly RunnerEnvironment[]): Promise<void> {
    const ids = wanted.map(({ spec }) => spec?.machine?.class ?? "");
    await this.#classes.learn(this.#mustRunnerId(), ids, this.#signal);
  }

  async #listAll(): Promise<RunnerEnvironment[]> {
    const runnerId = this.#mustRunnerId();
    const client = this.#connection.client(RunnerInteractionService);
    const listed: RunnerEnvironment[] = [];
    let token = "";
    for (let page = 0; page < maxListPages; page++) {
      const pagination = { pageSize: listPageSize, token };
      const answer = await this.#connection.call((call) => client.listRunnerEnvironments({ runnerId, pagination }, call), this.#signal);
      listed.push(...answer.environments);
      token = answer.pagination?.nextToken ?? "";
      if (token === "") return listed;
    }
    throw new BerthError("internal", `the plane lists environments without end`);
  }

  async #fetch(environmentId: string): Promise<RunnerEnvironment | undefined> {
    const runnerId = this.#mustRunnerId();
    const client = this.#connection.client(RunnerInteractionService);
    try {
      return (await this.#connection.call((call) => client.getRunnerEnvironment({ runnerId, environmentId }, call), this.#signal))
        .environment;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Takes what the plane said of an environment, unless an answer that came meanwhile is newer. */
  #take(wanted: RunnerEnvironment, askedAt: number): void {
    const { id } = wanted;
    const known = this.#known.get(id);
    // Its deletion is on the way to the plane.
    if (known === undefined && this.#outbox.isPending(id)) return;
    if (known !== undefined && askedAt < known.answeredAt && versionOf(wanted) < versionOf(known.wanted)) return;
    this.#known.set(id, { wanted, status: known?.status, answeredAt: ++this.#count, isOrphan: false });
    if (known === undefined || !isSameWish(known.wanted, wanted)) this.#notify(id);
  }

  /**
   * The plane has no such environment any more, though it did not ask for its deletion, e.g. because it was set up anew from
   * an old backup. It is stopped and kept: work is never deleted because nothing is said of it.
   */
  #vanished(environmentId: string): void {
    const known = this.#known.get(environmentId);
    if (known === undefined || known.isOrphan) return;
    this.#log.warn("the plane no longer knows an environment; it is stopped and kept", { environmentId });
    const wanted = clone(RunnerEnvironmentSchema, known.wanted);
    if (wanted.spec !== undefined && wanted.spec.desiredPhase !== EnvironmentPhase.DELETED)
      wanted.spec.desiredPhase = EnvironmentPhase.STOPPED;
    this.#known.set(environmentId, { ...known, wanted, isOrphan: true });
    this.#notify(environmentId);
  }

  #notify(environmentId: string): void {
    for (const listener of this.#listeners) listener(environmentId);
  }

  /** One write at a time; changes meanwhile are one more. */
  #save(): void {
    if (this.#saving !== undefined) {
      this.#isSavingAgain = true;
      return;
    }
    this.#isSavingAgain = false;
    this.#saving = this.#cache
      .save([...this.#known.values()].map(({ wanted }) => wanted))
      .catch((error: unknown) => this.#log.warn("the known environments could not be kept", { reason: messageOf(error) }))
      .finally(() => {
        this.#saving = undefined;
        if (this.#isSavingAgain) this.#save();
      });
  }

  #mustRunnerId(): string {
    if (this.#runnerId === undefined) throw new BerthError("plane-unreachable", "the runner has not signed up yet");
    return this.#runnerId;
  }
}

function toEnvironment({ wanted: { id, metadata, spec }, status }: Known): Environment {
  return clone(
    EnvironmentSchema,
    create(EnvironmentSchema, {
      id,
      ...(metadata === undefined ? {} : { metadata }),
      ...(spec === undefined ? {} : { spec }),
      ...(status === undefined ? {} : { status }),
    }),
  );
}

/** Says which version of the spec a status was made from. */
function acknowledging(status: EnvironmentStatus, wanted: RunnerEnvironment): EnvironmentStatus {
  const copy = clone(EnvironmentStatusSchema, status);
  copy.runnerAck ??= create(EnvironmentStatusSchema, {
    runnerAck: { specVersion: versionOf(wanted), statusCode: AckCode.OK },
  }).runnerAck;
  return copy;
}

function versionOf({ spec }: RunnerEnvironment): bigint {
  return spec?.specVersion ?? 0n;
}

/** Access tokens and signs of use change without anything else being wanted. */
function isSameWish(a: RunnerEnvironment, b: RunnerEnvironment): boolean {
  const plain = (one: RunnerEnvironment): RunnerEnvironment => {
    const { activitySignal: _, ...rest } = one;
    return create(RunnerEnvironmentSchema, { ...rest, environmentAccessToken: "" });
  };
  return equals(RunnerEnvironmentSchema, plain(a), plain(b));
}

function isNotFound(error: unknown): boolean {
  return error instanceof BerthError && (error.code === "environment-not-found" || error.code === "resource-not-found");
}
