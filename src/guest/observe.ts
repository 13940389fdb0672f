import { create, equals } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import {
  JobKind,
  ObservedContent_State,
  ObservedDevcontainer_State,
  type ObservedEnvironment,
  ObservedEnvironmentSchema,
  type ObservedJob,
  ObservedJob_State,
  ObservedJobSchema,
} from "../contract/gen/berth/v1/agent_pb.js";
import { changeSignal } from "../lib/change-signal.ts";
import type { Container, DockerApi } from "./docker-api.ts";
import type { EnvironmentStates } from "./environment-state.ts";
import type { JobRecord } from "./jobs/job.ts";
import type { JobStore } from "./jobs/job-store.ts";
import { readListeningPorts } from "./ports.ts";
import { environmentLabel } from "./settings.ts";
import { readAuthorizedKeysHash } from "./ssh.ts";
import { WorkingCopies } from "./working-copies.ts";

/** How often listening sockets are looked for; a person notices a port within two of these. */
const portPollMs = 1000;
const dockerRetryMs = 500;

/** Keeps an up-to-date picture of every environment and tells when it changes. */
export class Observer {
  readonly #docker: DockerApi;
  readonly #states: EnvironmentStates;
  readonly #jobs: JobStore;
  readonly #runFolder: string;
  readonly #containers = new Map<string, Container>();
  readonly #ports = new Map<string, readonly { port: number; address: string; processName: string }[]>();
  readonly #socketNames = new Map<string, Map<string, string>>();
  readonly #workingCopies: WorkingCopies;
  readonly #published = new Map<string, ObservedEnvironment>();
  readonly #active = new Map<string, number>();
  readonly #listeners = new Set<() => void>();

  constructor(options: {
    readonly docker: DockerApi;
    readonly states: EnvironmentStates;
    readonly jobs: JobStore;
    readonly runFolder: string;
  }) {
    this.#docker = options.docker;
    this.#states = options.states;
    this.#workingCopies = new WorkingCopies(options.states);
    this.#jobs = options.jobs;
    this.#runFolder = options.runFolder;
  }

  /** Watches until the signal aborts. */
  start(signal: AbortSignal): void {
    void this.#watchDocker(signal);
    void this.#watchPorts(signal);
    void this.#workingCopies.watch(
      () => this.#changing(),
      () => this.#publish(),
      signal,
    );
    this.#jobs.onChange((id) => {
      const ended = this.#jobs.newest(id).some((job) => job.state !== "running" && !this.#seenEnded.has(`${id}/${job.id}`));
      for (const job of this.#jobs.newest(id)) if (job.state !== "running") this.#seenEnded.add(`${id}/${job.id}`);
      if (ended) void this.refreshContainers().then(async () => this.refreshWorkingCopies([id]));
      else this.#publish();
    });
  }

  readonly #seenEnded = new Set<string>();

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A person did something in an environment. */
  markActive(environmentId: string, atMs: number): void {
    this.#active.set(environmentId, atMs);
  }

  container(environmentId: string): Container | undefined {
    return this.#containers.get(environmentId);
  }

  /** What is known now, after asking dockerd again, and git too of `anew` and of what was never looked at. */
  async observe(anew: readonly string[] = []): Promise<ObservedEnvironment[]> {
    await this.refreshContainers();
    const wanted = this.#states.ids().filter((id) => anew.includes(id) || this.#workingCopies.view(id) === undefined);
    if (wanted.length > 0) await this.refreshWorkingCopies(wanted);
    return this.#states.ids().map((id) => this.#picture(id));
  }

  async refreshContainers(): Promise<void> {
    const listed = await this.#docker.listContainers(environmentLabel).catch(() => undefined);
    if (listed === undefined) return;
    const seen = new Set<string>();
    for (const summary of listed) {
      const id = summary.Labels[environmentLabel] ?? "";
      const container = await this.#docker.inspect(summary.Id).catch(() => undefined);
      if (container === undefined) continue;
      if (seen.has(id) && !container.State.Running) continue;
      seen.add(id);
      this.#containers.set(id, container);
    }
    for (const id of this.#containers.keys()) if (!seen.has(id)) this.#containers.delete(id);
    this.#publish();
  }

  /** Looks at git and the configuration of these anew. */
  async refreshWorkingCopies(ids: readonly string[]): Promise<void> {
    await this.#workingCopies.look(ids);
    this.#publish();
  }

  /** In what does not run nothing changes, apart from what a job does, after which it is looked at. */
  #changing(): string[] {
    return this.#states
      .ids()
      .filter((id) => this.#containers.get(id)?.State.Running === true || this.#workingCopies.view(id) === undefined);
  }

  async #watchDocker(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.refreshContainers();
      await this.#docker.watchEvents(() => void this.refreshContainers(), signal);
      await delay(dockerRetryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #watchPorts(signal: AbortSignal): Promise<void> {
    const changes = changeSignal((listener) => this.onChange(listener), signal);
    while (!signal.aborted) {
      await this.#readPorts();
      this.#publish();
      // While no container runs nothing can begin to listen, and looking would keep an idle machine at work.
      const anyRuns = [...this.#containers.values()].some((container) => container.State.Running);
      await (anyRuns ? delay(portPollMs, undefined, { signal }).catch(() => undefined) : changes.next());
    }
    changes.close();
  }

  async #readPorts(): Promise<void> {
    for (const id of this.#states.ids()) {
      const container = this.#containers.get(id);
      if (container === undefined || !container.State.Running) {
        this.#ports.delete(id);
        continue;
      }
      const names = this.#socketNames.get(id) ?? new Map<string, string>();
      this.#socketNames.set(id, names);
      this.#ports.set(id, await readListeningPorts(container.State.Pid, names).catch(() => []));
    }
  }

  #publish(): void {
    let changed = false;
    const ids = new Set(this.#states.ids());
    for (const id of ids) {
      const picture = this.#picture(id);
      const before = this.#published.get(id);
      if (before !== undefined && equals(ObservedEnvironmentSchema, before, picture)) continue;
      this.#published.set(id, picture);
      changed = true;
    }
    for (const id of this.#published.keys()) {
      if (ids.has(id)) continue;
      this.#published.delete(id);
      this.#workingCopies.forget(id);
      changed = true;
    }
    if (changed) for (const listener of this.#listeners) listener();
  }

  #picture(id: string): ObservedEnvironment {
    const state = this.#states.get(id);
    const workingCopy = this.#workingCopies.view(id);
    const container = this.#containers.get(id);
    const devcontainer = state?.devcontainer;
    const ready = existsSync(this.#states.workingCopy(id));
    const active = this.#active.get(id);
    return create(ObservedEnvironmentSchema, {
      environmentId: id,
      content: {
        state: ready ? ObservedContent_State.READY : ObservedContent_State.ABSENT,
        path: this.#states.workingCopy(id),
        ...(workingCopy?.git === undefined
          ? {}
          : {
              git: {
                ...workingCopy.git,
                changedFiles: [...workingCopy.git.changedFiles],
                unpushedCommits: [...workingCopy.git.unpushedCommits],
              },
            }),
        devcontainerFilePaths: [...(workingCopy?.configPaths ?? [])],
      },
      devcontainer: {
        state:
          container === undefined
            ? ObservedDevcontainer_State.ABSENT
            : container.State.Running
              ? ObservedDevcontainer_State.RUNNING
              : ObservedDevcontainer_State.STOPPED,
        containerId: container?.Id ?? "",
        containerName: container?.Name.replace(/^\//, "") ?? "",
        image: container?.Config.Image ?? "",
        configInSync: workingCopy?.inSync ?? true,
        ...(devcontainer === undefined
          ? {}
          : {
              session: devcontainer.session,
              configPath: devcontainer.configPath,
              generated: devcontainer.generated,
              recovery: devcontainer.recovery,
              failureMessage: devcontainer.failureCode === "" ? "" : `${devcontainer.failureCode}: ${devcontainer.failureMessage}`,
              warningMessage: devcontainer.warningMessage,
              remoteUser: devcontainer.remoteUser,
              remoteWorkspaceFolder: devcontainer.remoteWorkspaceFolder,
              forwardPorts: [...devcontainer.forwardPorts],
            }),
      },
      jobs: this.#jobs.newest(id).map(jobMessage),
      ports: [...(this.#ports.get(id) ?? [])],
      sshHostPublicKey: workingCopy?.hostKey ?? "",
      authorizedKeysSha256: readAuthorizedKeysHash(id, this.#runFolder),
      ...(active === undefined ? {} : { lastActiveAt: timestampFromMs(active) }),
    });
  }
}

const jobKinds = { clone: JobKind.CLONE, "devcontainer-up": JobKind.DEVCONTAINER_UP, stop: JobKind.STOP, delete: JobKind.DELETE } as const;
const jobStates = {
  running: ObservedJob_State.RUNNING,
  succeeded: ObservedJob_State.SUCCEEDED,
  failed: ObservedJob_State.FAILED,
  cancelled: ObservedJob_State.CANCELLED,
} as const;

/** A job as the host sees it. */
export function jobMessage(job: JobRecord): ObservedJob {
  return create(ObservedJobSchema, {
    jobId: job.id,
    environmentId: job.environmentId,
    kind: jobKinds[job.kind],
    state: jobStates[job.state],
    errorCode: job.errorCode,
    errorMessage: job.errorMessage,
    startedAt: timestampFromMs(job.startedAtMs),
    ...(job.finishedAtMs === undefined ? {} : { finishedAt: timestampFromMs(job.finishedAtMs) }),
    step: job.steps.at(-1)?.name ?? "",
    logBytes: BigInt(job.logBytes),
    steps: job.steps.map((step) => ({
      name: step.name,
      startedAt: timestampFromMs(step.startedAtMs),
      failed: step.failed,
      logOffset: BigInt(step.logOffset),
      ...(step.finishedAtMs === undefined ? {} : { finishedAt: timestampFromMs(step.finishedAtMs) }),
    })),
  });
}
