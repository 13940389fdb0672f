import { create, equals } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { existsSync } from "node:fs";
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
import { type GitStateView, readGitState } from "./content/git-state.ts";
import { loadConfig } from "./devcontainer/config.ts";
import { findConfigs } from "./devcontainer/find-configs.ts";
import type { Container, DockerApi } from "./docker-api.ts";
import type { EnvironmentStates } from "./environment-state.ts";
import type { JobRecord } from "./jobs/job.ts";
import type { JobStore } from "./jobs/job-store.ts";
import { readListeningPorts } from "./ports.ts";
import { environmentLabel } from "./settings.ts";
import { ensureHostKey } from "./ssh.ts";

/** How often listening sockets are looked for; a person notices a port within two of these. */
const portPollMs = 1000;
/** How often git and the configuration are looked at while nothing tells of a change. */
const slowPollMs = 15_000;
const dockerRetryMs = 500;

interface Slow {
  readonly git: GitStateView | undefined;
  readonly configPaths: readonly string[];
  readonly inSync: boolean;
  readonly hostKey: string;
}

/** Keeps an up-to-date picture of every environment and tells when it changes. */
export class Observer {
  readonly #docker: DockerApi;
  readonly #states: EnvironmentStates;
  readonly #jobs: JobStore;
  readonly #containers = new Map<string, Container>();
  readonly #ports = new Map<string, readonly { port: number; address: string; processName: string }[]>();
  readonly #socketNames = new Map<string, Map<string, string>>();
  readonly #slow = new Map<string, Slow>();
  readonly #published = new Map<string, ObservedEnvironment>();
  readonly #active = new Map<string, number>();
  readonly #listeners = new Set<() => void>();

  constructor(options: { readonly docker: DockerApi; readonly states: EnvironmentStates; readonly jobs: JobStore }) {
    this.#docker = options.docker;
    this.#states = options.states;
    this.#jobs = options.jobs;
  }

  /** Watches until the signal aborts. */
  start(signal: AbortSignal): void {
    void this.#watchDocker(signal);
    const ports = setInterval(() => void this.#pollPorts(), portPollMs);
    const slow = setInterval(() => void this.refreshSlow(this.#states.ids()), slowPollMs);
    signal.addEventListener("abort", () => {
      clearInterval(ports);
      clearInterval(slow);
    });
    this.#jobs.onChange((id) => {
      const ended = this.#jobs.newest(id).some((job) => job.state !== "running" && !this.#seenEnded.has(`${id}/${job.id}`));
      for (const job of this.#jobs.newest(id)) if (job.state !== "running") this.#seenEnded.add(`${id}/${job.id}`);
      if (ended) void this.refreshContainers().then(async () => this.refreshSlow([id]));
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

  /** What is known now, after asking dockerd again. */
  async observe(): Promise<ObservedEnvironment[]> {
    await this.refreshContainers();
    const missing = this.#states.ids().filter((id) => !this.#slow.has(id));
    if (missing.length > 0) await this.refreshSlow(missing);
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

  async refreshSlow(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const folder = this.#states.workingCopy(id);
      if (this.#states.get(id) === undefined) continue;
      const ready = existsSync(folder);
      const devcontainer = this.#states.get(id)?.devcontainer;
      const hash =
        devcontainer === undefined || devcontainer.configPath === "" || devcontainer.configHash === ""
          ? undefined
          : (await loadConfig(folder, devcontainer.configPath).catch(() => undefined))?.hash;
      this.#slow.set(id, {
        git: ready ? await readGitState(folder).catch(() => undefined) : undefined,
        configPaths: ready ? await findConfigs(folder) : [],
        inSync: devcontainer === undefined || devcontainer.configHash === "" || hash === devcontainer.configHash,
        hostKey: await ensureHostKey(this.#states.folderOf(id)).catch(() => ""),
      });
    }
    this.#publish();
  }

  async #watchDocker(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.refreshContainers();
      await this.#docker.watchEvents(() => void this.refreshContainers(), signal);
      await new Promise<void>((resolve) => setTimeout(resolve, dockerRetryMs));
    }
  }

  async #pollPorts(): Promise<void> {
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
    this.#publish();
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
      this.#slow.delete(id);
      changed = true;
    }
    if (changed) for (const listener of this.#listeners) listener();
  }

  #picture(id: string): ObservedEnvironment {
    const state = this.#states.get(id);
    const slow = this.#slow.get(id);
    const container = this.#containers.get(id);
    const devcontainer = state?.devcontainer;
    const ready = existsSync(this.#states.workingCopy(id));
    const active = this.#active.get(id);
    return create(ObservedEnvironmentSchema, {
      environmentId: id,
      content: {
        state: ready ? ObservedContent_State.READY : ObservedContent_State.ABSENT,
        path: this.#states.workingCopy(id),
        ...(slow?.git === undefined
          ? {}
          : { git: { ...slow.git, changedFiles: [...slow.git.changedFiles], unpushedCommits: [...slow.git.unpushedCommits] } }),
        devcontainerFilePaths: [...(slow?.configPaths ?? [])],
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
        configInSync: slow?.inSync ?? true,
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
      sshHostPublicKey: slow?.hostKey ?? "",
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
