import { create } from "@bufbuild/protobuf";
import { fromConnectError } from "../contract/connect-error.ts";
import { parseContextUrl } from "../contract/context-url.ts";
import type { EngineCalls, EnvironmentStore } from "../contract/engine-port.ts";
import {
  ObservedContent_State,
  ObservedDevcontainer_State,
  type ObservedEnvironment,
  ObservedJob_State,
  type UploadContentRequest,
  UploadContentRequestSchema,
} from "../contract/gen/berth/v1/agent_pb.js";
import { type Environment, EnvironmentPhase } from "../contract/gen/gitpod/v1/environment_pb.js";
import { ParseContextURLResponseSchema } from "../contract/gen/gitpod/v1/runner_pb.js";
import { authorizedKeysHash, authorizedKeysText } from "../lib/authorized-keys.ts";
import { type Log, messageOf } from "../lib/log.ts";
import { sshAliasOf } from "../lib/ssh-alias.ts";
import { deriveStatus } from "./derive-status.ts";
import { readFolder } from "./folder-source.ts";
import { IdleWatch } from "./idle-watch.ts";
import { authorizedKeysOf, cloneJobOf, directoryNameOf, folderScheme, upJobOf, wishOf } from "./job-requests.ts";
import type { KeptMachine, Machines } from "./machines.ts";
import { type JobView, type Observation, plan, type Step, type Wish } from "./plan.ts";

/** A step that failed for a passing reason is tried again after this. */
const stepRetryMs = 2000;
/** A step that failed this often in a row is told and left until the wish or the machine's boot changes. */
const maxStepTries = 5;
/** What may be otherwise a moment later; anything else is told at once. */
const passingCodes: ReadonlySet<string> = new Set(["machine-unreachable", "plane-unreachable", "timeout", "internal", "canceled"]);
const maxStepsWithoutPause = 50;
/** The shared machine without an environment that shall run is suspended after this, or shut down where it cannot be. */
const defaultMachineIdleMinutes = 5;
/** So long a look at the log or the changes of an environment that has stopped may take to begin; then its own machine rests. */
const defaultDedicatedIdleMs = 3000;
const machineOffTimeoutMs = 120_000;

export interface EngineOptions {
  readonly store: EnvironmentStore;
  readonly machines: Machines;
  readonly log: Log;
  /** ssh public keys that may log in to an environment. */
  readonly authorizedKeys: (environmentId: string) => Promise<readonly string[]>;
  /** After so long without anything that runs the shared machine rests; 0 is never. */
  readonly machineIdleMinutes?: () => number;
  /** Told each step that could not be begun. */
  readonly stepFailed?: (step: Step["kind"], code: string) => void;
  /** The same of environments' own machines, which rest when their environment has stopped. */
  readonly dedicatedIdleMs?: number;
}

interface Actor {
  running: boolean;
  again: boolean;
  upload: JobView;
  uploadFailure: string | undefined;
  /** Of the step that could not be begun. */
  failure: { readonly key: string; readonly tries: number; readonly message: string } | undefined;
}

/** Makes status follow spec: one actor per environment, one step at a time, each planned anew. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #actors = new Map<string, Actor>();
  readonly #unsubscribe: (() => void)[] = [];
  readonly #stop = new AbortController();
  readonly #idle = new WeakMap<KeptMachine, IdleWatch>();

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { store, machines } = this.#options;
    this.#unsubscribe.push(
      store.onSpecChange((id) => this.#onSpecChange(id)),
      machines.onChange((ids, machine) => (ids === "all" ? this.#wakeHeld(machine) : ids.forEach((id) => this.#wake(id)))),
    );
    await machines.adopt(async () => store.list());
    await this.#wakeAll(machines.all);
  }

  stop(): void {
    this.#stop.abort();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #onSpecChange(id: string): void {
    const actor = this.#actorOf(id);
    if (actor.upload === "failed") actor.upload = "absent";
    actor.failure = undefined;
    const machine = this.#options.machines.kept(id);
    machine.keeper.clearFailure();
    this.#idleOf(machine).wishChanged();
    this.#wake(id);
  }

  #wakeHeld(machine: KeptMachine): void {
    this.#wakeAll([machine]).catch((error: unknown) =>
      this.#options.log.warn("environments of a machine were not looked at", { machineId: machine.id, reason: messageOf(error) }),
    );
  }

  /** Every environment of these machines. */
  async #wakeAll(machines: readonly KeptMachine[]): Promise<void> {
    const environments = await this.#options.store.list();
    for (const machine of machines) {
      const held = environments.filter(({ id }) => this.#options.machines.kept(id) === machine);
      for (const { id } of held) this.#wake(id);
      this.#idleOf(machine).look(held.every(isUnused));
    }
  }

  async #watchIdle(machine: KeptMachine): Promise<void> {
    const environments = await this.#options.store.list();
    this.#idleOf(machine).look(environments.filter(({ id }) => this.#options.machines.kept(id) === machine).every(isUnused));
  }

  /** How long machines may idle was changed. */
  async idleTimeChanged(): Promise<void> {
    for (const machine of this.#options.machines.all) {
      this.#idleOf(machine).cancel();
      await this.#watchIdle(machine);
    }
  }

  /** A person started a machine by hand: it does not rest at once though nothing on it shall run. */
  startedByHand(machine: KeptMachine): void {
    this.#idleOf(machine).startedByHand();
  }

  #idleOf(machine: KeptMachine): IdleWatch {
    const known = this.#idle.get(machine);
    if (known !== undefined) return known;
    const { dedicatedIdleMs = defaultDedicatedIdleMs } = this.#options;
    const idleByHandMs = (): number => (this.#options.machineIdleMinutes?.() ?? defaultMachineIdleMinutes) * 60_000;
    const idle = new IdleWatch({
      machine: machine.keeper,
      idleMs: machine.environmentId === undefined ? idleByHandMs : () => dedicatedIdleMs,
      idleByHandMs,
      log: this.#options.log,
      ended: this.#stop.signal,
    });
    this.#idle.set(machine, idle);
    return idle;
  }

  #actorOf(id: string): Actor {
    const actor = this.#actors.get(id) ?? { running: false, again: false, upload: "absent", uploadFailure: undefined, failure: undefined };
    this.#actors.set(id, actor);
    return actor;
  }

  #wake(id: string): void {
    const actor = this.#actorOf(id);
    actor.again = true;
    if (actor.running || this.#stop.signal.aborted) return;
    actor.running = true;
    void this.#run(id, actor)
      .catch((error: unknown) => this.#notLookedAt(id, error))
      .finally(() => {
        actor.running = false;
        if (actor.again && !this.#stop.signal.aborted) this.#wake(id);
      });
  }

  /** E.g. because a status could not be written: the next try finds what is then. */
  #notLookedAt(id: string, error: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.#options.log.warn("an environment was not looked at", { environmentId: id, reason: messageOf(error) });
    setTimeout(() => this.#wake(id), stepRetryMs).unref();
  }

  async #run(id: string, actor: Actor): Promise<void> {
    for (let steps = 0; actor.again && steps < maxStepsWithoutPause; steps++) {
      actor.again = false;
      const environment = await this.#options.store.get(id);
      if (this.#stop.signal.aborted) return;
      if (environment === undefined) {
        // A machine may tell of what this host does not know.
        this.#actors.delete(id);
        return;
      }
      const machine = this.#options.machines.kept(id);
      const { keeper } = machine;
      const bootId = keeper.hello?.bootId ?? "";
      const wish = wishOf(environment, bootId);
      const observed = keeper.environment(id);
      const keysHash = await this.#wantedKeysHash(environment, observed);
      // Who stops the engine closes its store next.
      if (this.#stop.signal.aborted) return;
      const seen = observe({ machine, observed, actor, keysHash });
      const planned = plan(wish, seen);
      const failureKey = `${planned.kind}/${bootId}`;
      const failed = actor.failure?.key === failureKey ? actor.failure : undefined;
      const step = failed !== undefined && failed.tries >= maxStepTries ? givenUp(planned) : planned;
      await this.#options.store.writeStatus(
        id,
        deriveStatus({
          environment,
          wish,
          step,
          machine: keeper.view,
          machineFailure: keeper.failure,
          observed,
          uploadFailure: actor.uploadFailure,
          stepFailure: step === planned ? undefined : failed?.message,
          keysInSync: seen.keysInSync && keysHash !== "" && keysHash === observed?.authorizedKeysSha256,
          sshUrl: `ssh://${sshAliasOf(environment.metadata?.name ?? "", id)}`,
        }),
      );
      if (step.kind === "settled" && wish.phase === "stopped") await this.#watchIdle(machine);
      try {
        await this.#carryOut(step, environment, wish, actor);
        if (step === planned) actor.failure = undefined;
      } catch (error) {
        const { code, detail } = fromConnectError(error);
        const tries = passingCodes.has(code) ? (failed?.tries ?? 0) + 1 : maxStepTries;
        actor.failure = { key: failureKey, tries, message: `${code}: ${detail}` };
        this.#options.stepFailed?.(step.kind, code);
        this.#options.log.warn("a step failed", { environmentId: id, step: step.kind, reason: messageOf(error) });
        setTimeout(() => this.#wake(id), tries < maxStepTries ? stepRetryMs : 0).unref();
        return;
      }
    }
  }

  async #carryOut(step: Step, environment: Environment, wish: Wish, actor: Actor): Promise<void> {
    const { machines, store } = this.#options;
    const { id: environmentId } = environment;
    const machine = machines.of(environmentId);
    switch (step.kind) {
      case "start-machine":
        return machine.start();
      case "clone":
        await machine
          .agent()
          .startJob({ jobId: wish.cloneJobId, environmentId, job: { case: "clone", value: await cloneJobOf(environment, store) } });
        return;
      case "upload":
        actor.upload = "running";
        void this.#upload(environment, actor);
        return;
      case "devcontainer-up":
        if (await this.#fitMachine(environment)) return;
        await machine.agent().startJob({
          jobId: wish.upJobId,
          environmentId,
          job: { case: "devcontainerUp", value: await upJobOf(environment, this.#options) },
        });
        return;
      case "authorize-keys":
        await machine.agent().setAuthorizedKeys({ environmentId, authorizedKeys: await authorizedKeysOf(environment, this.#options) });
        return;
      case "stop-containers":
        await machine.agent().startJob({ jobId: wish.stopJobId, environmentId, job: { case: "stop", value: {} } });
        return;
      case "delete":
        await machine.agent().startJob({ jobId: wish.deleteJobId, environmentId, job: { case: "delete", value: {} } });
        return;
      case "remove-record":
        this.#actors.delete(environmentId);
        return store.remove(environmentId);
      case "remove-with-machine":
        await this.#removeWithMachine(environmentId);
        return;
      case "wait":
      case "settled":
        return;
    }
  }

  /** Of the keys that are to log in to what runs; empty where nothing does. */
  async #wantedKeysHash(environment: Environment, observed: ObservedEnvironment | undefined): Promise<string> {
    if (observed?.devcontainer?.state !== ObservedDevcontainer_State.RUNNING) return "";
    return authorizedKeysHash(authorizedKeysText(await authorizedKeysOf(environment, this.#options)));
  }

  /** A configuration that asks for a bigger machine gets it where the machine is its own. True: it starts anew for that. */
  async #fitMachine({ id, spec }: Environment): Promise<boolean> {
    const { machines } = this.#options;
    const { environmentId, keeper } = machines.kept(id);
    if (environmentId === undefined) return false;
    const configPath = spec?.devcontainer?.devcontainerFilePath ?? "";
    const { cpus, memoryBytes, storageBytes } = await keeper.agent().getHostRequirements({ environmentId, configPath });
    const needs = { cpus, memoryBytes: Number(memoryBytes), dataDiskLimitBytes: Number(storageBytes) };
    return machines.fit(id, needs, AbortSignal.any([this.#stop.signal, AbortSignal.timeout(machineOffTimeoutMs)]));
  }

  async #removeWithMachine(environmentId: string): Promise<void> {
    const { machines, store } = this.#options;
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(machineOffTimeoutMs)]);
    await machines.remove(environmentId, signal, async () => store.remove(environmentId));
    this.#actors.delete(environmentId);
  }

  async #upload(environment: Environment, actor: Actor): Promise<void> {
    const first = environment.spec?.content?.initializer?.specs[0]?.spec;
    const folder = first?.case === "contextUrl" ? first.value.url.slice(folderScheme.length) : "";
    const signal = this.#stop.signal;
    async function* messages(): AsyncGenerator<UploadContentRequest> {
      yield create(UploadContentRequestSchema, {
        message: {
          case: "start",
          value: { environmentId: environment.id, directoryName: directoryNameOf(folder.split("/").at(-1) ?? "") },
        },
      });
      for await (const data of readFolder(folder, signal))
        yield create(UploadContentRequestSchema, { message: { case: "data", value: data } });
      yield create(UploadContentRequestSchema, { message: { case: "complete", value: true } });
    }
    try {
      await this.#options.machines.of(environment.id).agent().uploadContent(messages(), { signal });
      actor.upload = "succeeded";
      actor.uploadFailure = undefined;
    } catch (error) {
      actor.upload = "failed";
      const { code, detail } = fromConnectError(error);
      actor.uploadFailure = `${code === "internal" ? "upload-failed" : code}: ${detail}`;
    }
    this.#wake(environment.id);
  }
}

/** The engine's answers to the plane; syntax only, since git itself runs in the machine. */
export const engineCalls: EngineCalls = {
  parseContextUrl: async ({ contextUrl }) => {
    const parsed = parseContextUrl(contextUrl);
    return create(ParseContextURLResponseSchema, {
      originalContextUrl: contextUrl,
      git: {
        cloneUrl: parsed.cloneUrl,
        branch: parsed.branch,
        commit: parsed.commit,
        tag: parsed.tag,
        host: parsed.host,
        owner: parsed.owner,
        repo: parsed.repository,
      },
      ...(parsed.issue === "" ? {} : { issue: { id: parsed.issue } }),
      ...(parsed.pullRequest === "" ? {} : { pr: { id: parsed.pullRequest } }),
    });
  },
  validateSpec: async () => undefined,
};

function isUnused({ spec, status }: Environment): boolean {
  return spec?.desiredPhase === EnvironmentPhase.STOPPED && status?.phase === EnvironmentPhase.STOPPED;
}

/** What is left of a step that cannot be begun; without a key in its place everything else goes on. */
function givenUp({ kind }: Step): Step {
  return { kind: "settled", outcome: kind === "authorize-keys" ? "running" : "failed" };
}

function observe({
  machine: { keeper, environmentId },
  observed,
  actor,
  keysHash,
}: {
  readonly machine: KeptMachine;
  readonly observed: ObservedEnvironment | undefined;
  readonly actor: Actor;
  readonly keysHash: string;
}): Observation {
  const observedHash = observed?.authorizedKeysSha256 ?? "";
  const container = observed?.devcontainer;
  return {
    machine: keeper.view,
    isMachineOwn: environmentId !== undefined,
    known: observed !== undefined,
    contentReady: observed?.content?.state === ObservedContent_State.READY,
    container:
      container?.state === ObservedDevcontainer_State.RUNNING
        ? "running"
        : container?.state === ObservedDevcontainer_State.STOPPED
          ? "stopped"
          : "absent",
    containerSession: container?.session ?? "",
    // An agent of an older image does not tell which keys it has.
    keysInSync: keysHash === "" || observedHash === "" || observedHash === keysHash,
    anyJobRunning: observed?.jobs.some((job) => job.state === ObservedJob_State.RUNNING) ?? false,
    upload: actor.upload,
    job: (jobId) => jobView(observed, jobId),
  };
}

function jobView(observed: ObservedEnvironment | undefined, jobId: string): JobView {
  const job = observed?.jobs.find((j) => j.jobId === jobId);
  if (job === undefined) return "absent";
  if (job.state === ObservedJob_State.RUNNING) return "running";
  return job.state === ObservedJob_State.SUCCEEDED ? "succeeded" : "failed";
}
