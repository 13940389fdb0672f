import { create, equals } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import {
  type AgentService,
  type DialRequest,
  DialResponseSchema,
  type ExecRequest,
  ExecResponseSchema,
  JobKind,
  type MountedFolder,
  NetworkCheck_Result,
  ObservedContent_State,
  ObservedDevcontainer_State,
  type ObservedEnvironment,
  ObservedEnvironmentSchema,
  ObservedJob_State,
  ObservedJobSchema,
  WatchEnvironmentsResponseSchema,
  WatchJobResponseSchema,
} from "../../contract/gen/berth/v1/agent_pb.js";
import type { TerminalService } from "../../contract/gen/berth/v1/terminal_pb.js";
import { authorizedKeysHash, authorizedKeysText } from "../../lib/authorized-keys.ts";
import { folderCalls } from "../../lib/sync/folder-calls.ts";
import type { SimulatedDisk, SimulatedEnvironment, SimulatedJob } from "./simulated-disk.ts";
import { SimulatedJobs } from "./simulated-jobs.ts";
import { courseOf } from "./sentinels.ts";
import { simulatedTerminals } from "./simulated-terminals.ts";
import { SimulatedUsage } from "./simulated-usage.ts";

const signatureKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFNpbXVsYXRlZEhvc3RLZXlPZkFTaW11bGF0ZWRNYWNo";

export interface SimulatedAgentOptions {
  readonly disk: SimulatedDisk;
  readonly bootId: string;
  readonly imageSha256: string;
  /** Of the folders that the machine was started with. */
  readonly folderTags: readonly string[];
  /** Ends the machine as a crash would. */
  readonly crash: () => void;
  /** Ends it as an orderly shutdown would. */
  readonly powerOff: () => void;
  /** Aborted when the machine ends. */
  readonly ended: AbortSignal;
}

/** The agent of a simulated machine: the same RPCs as the real one, on a disk that is a JSON file. */
export function simulatedAgent(options: SimulatedAgentOptions): {
  readonly agent: ServiceImpl<typeof AgentService>;
  readonly terminals: ServiceImpl<typeof TerminalService>;
} {
  const jobs = new SimulatedJobs(options);
  return { agent: agentCalls(options, jobs), terminals: simulatedTerminals(options.disk, jobs, options.ended) };
}

function agentCalls(options: SimulatedAgentOptions, jobs: SimulatedJobs): ServiceImpl<typeof AgentService> {
  const { disk } = options;
  const usage = new SimulatedUsage(disk);
  return {
    hello: () => hello(options),
    getHostRequirements: ({ environmentId }) => ({
      cpus: 0,
      memoryBytes: BigInt(courseOf(disk.content.environments[environmentId]?.sentinel ?? "").neededMemoryBytes),
      storageBytes: 0n,
    }),
    // The computer that it runs on keeps its keys.
    takeIdentity: () => ({}),
    setClock: () => ({ correctedBy: durationFromMs(0) }),
    setNetwork: () => ({ dockerWaits: false }),
    setSharedFolders: ({ folders }) => ({ failures: failuresOf(folders, options.folderTags) }),
    checkNetwork: ({ host, port }) => ({ checks: simulatedWay(host, port) }),
    getUsage: () => usageOf(usage),
    getDiskBill: () => ({ bill: usage.bill(Date.now()) }),
    reclaimSpace: () => ({ reclaimedBytes: usage.reclaim() }),
    getBootProfile: () => ({ phases: [{ name: "agent-listens", endedAt: durationFromMs(1) }] }),
    settleDisk: () => ({}),
    growDisk: () => ({}),
    dial: (requests) => echo(requests),
    exec: (requests) => exec(requests),
    observeEnvironments: async ({ environmentIds }) => ({ environments: await observe(disk, jobs, environmentIds) }),
    watchEnvironments: (_request, context) => watch(disk, jobs, AbortSignal.any([context.signal, options.ended])),
    startJob: async (request) => ({ job: jobMessage(request.environmentId, await jobs.start(request)) }),
    watchJob: async function* (request, context) {
      let offset = Number(request.offset);
      for (;;) {
        const job = disk.content.environments[request.environmentId]?.jobs.find((j) => j.id === request.jobId);
        if (job === undefined) throw new ConnectError("there is no such job", Code.NotFound);
        const data = Buffer.from(job.log).subarray(offset);
        if (data.length > 0) yield create(WatchJobResponseSchema, { message: { case: "log", value: { offset: BigInt(offset), data } } });
        offset += data.length;
        yield create(WatchJobResponseSchema, { message: { case: "job", value: jobMessage(request.environmentId, job) } });
        if (job.state !== "running" || !request.follow || context.signal.aborted) return;
        await jobs.nextChange(context.signal);
      }
    },
    cancelJob: async (request) => {
      await jobs.cancel(request.environmentId, request.jobId);
      return {};
    },
    setAuthorizedKeys: async ({ environmentId, authorizedKeys }) => jobs.authorize(environmentId, authorizedKeys),
    uploadContent: async (requests) => {
      let received = 0;
      let environmentId = "";
      let directoryName = "";
      let complete = false;
      for await (const { message } of requests) {
        if (message.case === "start") ({ environmentId, directoryName } = message.value);
        else if (message.case === "data") received += message.value.length;
        else if (message.case === "complete") complete = true;
      }
      if (!complete) throw new ConnectError("the copy ended before its end", Code.Aborted);
      await jobs.keepUpload(environmentId, directoryName);
      return { receivedBytes: BigInt(received) };
    },
    ...folderCalls((id) => disk.syncPlaces(id), Date.now),
    powerOff: () => {
      setImmediate(options.powerOff);
      return {};
    },
  };
}

function hello({ disk, bootId, imageSha256 }: SimulatedAgentOptions) {
  return {
    protocol: 1,
    agentVersion: "simulated",
    imageSha256,
    bootId,
    dataSchema: disk.content.dataSchema,
    dockerReady: true,
    dockerVersion: "simulated",
    guestTime: timestampFromMs(Date.now()),
    warnings: [],
  };
}

/** All is well on a simulated way. */
function simulatedWay(host: string, port: number) {
  return ["link", "dns", "tcp", "tls", "proxy", "registry", "container"].map((id) => ({
    id,
    result: id === "proxy" || id === "container" ? NetworkCheck_Result.SKIPPED : NetworkCheck_Result.OK,
    detail: `simulated: ${host}:${port}`,
    issuer: "",
  }));
}

async function* echo(requests: AsyncIterable<DialRequest>) {
  for await (const { message } of requests) {
    if (message.case === "target") yield create(DialResponseSchema, { message: { case: "connected", value: true } });
    else if (message.case === "data") yield create(DialResponseSchema, { message: { case: "data", value: message.value } });
    else if (message.case === "end") {
      yield create(DialResponseSchema, { message: { case: "end", value: true } });
      return;
    }
  }
}

/** Says its words on stdout; `exit N` ends with N, `cat` gives its input back. */
async function* exec(requests: AsyncIterable<ExecRequest>) {
  let argv: readonly string[] = [];
  for await (const { message } of requests) {
    if (message.case === "start") {
      argv = message.value.argv;
      if (argv[0] === "cat") continue;
      yield create(ExecResponseSchema, { message: { case: "stdout", value: Buffer.from(`${argv.join(" ")}\n`) } });
      break;
    }
    if (message.case === "stdin") yield create(ExecResponseSchema, { message: { case: "stdout", value: message.value } });
    if (message.case === "stdinEnd") break;
  }
  yield create(ExecResponseSchema, {
    message: { case: "exit", value: { code: argv[0] === "exit" ? Number(argv[1] ?? 0) : 0, signal: "" } },
  });
}

async function* watch(disk: SimulatedDisk, jobs: SimulatedJobs, signal: AbortSignal) {
  const sent = new Map<string, ObservedEnvironment>();
  for (let first = true; !signal.aborted; first = false) {
    const change = jobs.nextChange(signal);
    const all = observeAll(disk);
    const changed = all.filter((e) => {
      const before = sent.get(e.environmentId);
      return before === undefined || !equals(ObservedEnvironmentSchema, before, e);
    });
    const removed = [...sent.keys()].filter((id) => !all.some((e) => e.environmentId === id));
    for (const e of changed) sent.set(e.environmentId, e);
    for (const id of removed) sent.delete(id);
    if (first || changed.length > 0 || removed.length > 0)
      yield create(WatchEnvironmentsResponseSchema, { environments: changed, removedEnvironmentIds: removed });
    await change;
  }
}

/** Of those that are named git is looked at anew. */
async function observe(disk: SimulatedDisk, jobs: SimulatedJobs, ids: readonly string[]): Promise<ObservedEnvironment[]> {
  for (const id of ids) {
    const environment = disk.content.environments[id];
    if (environment !== undefined) environment.lookedAt = true;
  }
  if (ids.length > 0) await jobs.changed();
  return observeAll(disk).filter((e) => ids.length === 0 || ids.includes(e.environmentId));
}

function observeAll(disk: SimulatedDisk): ObservedEnvironment[] {
  return Object.entries(disk.content.environments).map(([id, environment]) => observed(id, environment));
}

const containerStates = {
  absent: ObservedDevcontainer_State.ABSENT,
  stopped: ObservedDevcontainer_State.STOPPED,
  running: ObservedDevcontainer_State.RUNNING,
} as const;

function observed(environmentId: string, environment: SimulatedEnvironment): ObservedEnvironment {
  const course = courseOf(environment.sentinel);
  const changedFiles = course.justChanged && environment.lookedAt !== true ? [] : course.changedFiles;
  const newest = new Map(environment.jobs.map((job) => [job.kind, job]));
  return create(ObservedEnvironmentSchema, {
    environmentId,
    content: {
      state: environment.contentReady ? ObservedContent_State.READY : ObservedContent_State.ABSENT,
      path: `/data/env/${environmentId}/repo/${environment.directoryName}`,
      ...(environment.contentReady
        ? {
            git: {
              branch: "main",
              latestCommit: "0123456789abcdef0123456789abcdef01234567",
              cloneUrl: `https://simulated.test/${environment.sentinel}.git`,
              changedFiles: changedFiles.map((path) => ({ path, change: "modified" })),
              totalChangedFiles: changedFiles.length,
              unpushedCommits: [...course.unpushedCommits],
              totalUnpushedCommits: course.unpushedCommits.length,
            },
          }
        : {}),
      devcontainerFilePaths: [...course.configPaths],
    },
    devcontainer: {
      state: containerStates[environment.container],
      containerId: environment.container === "absent" ? "" : `container-${environment.containerNumber}`,
      containerName: environment.container === "absent" ? "" : `simulated-${environment.containerNumber}`,
      session: environment.session,
      configPath: environment.configPath,
      recovery: environment.recovery,
      failureMessage: environment.failureMessage,
      remoteUser: environment.container === "absent" ? "" : "vscode",
      remoteWorkspaceFolder: environment.container === "absent" ? "" : `/workspaces/${environment.directoryName}`,
      configInSync: !course.drifted,
      warningMessage: environment.container === "running" ? course.warning : "",
    },
    jobs: [...newest.values()].map((job) => jobMessage(environmentId, job)),
    ports: environment.container === "running" ? course.ports.map((p) => ({ ...p, address: "127.0.0.1" })) : [],
    sshHostPublicKey: signatureKey,
    authorizedKeysSha256:
      environment.authorizedKeys === undefined ? "" : authorizedKeysHash(authorizedKeysText(environment.authorizedKeys)),
  });
}

const jobKinds = { clone: JobKind.CLONE, "devcontainer-up": JobKind.DEVCONTAINER_UP, stop: JobKind.STOP, delete: JobKind.DELETE } as const;
const jobStates = {
  running: ObservedJob_State.RUNNING,
  succeeded: ObservedJob_State.SUCCEEDED,
  failed: ObservedJob_State.FAILED,
  cancelled: ObservedJob_State.CANCELLED,
} as const;

function jobMessage(environmentId: string, job: SimulatedJob) {
  return create(ObservedJobSchema, {
    jobId: job.id,
    environmentId,
    kind: jobKinds[job.kind],
    state: jobStates[job.state],
    errorCode: job.errorCode,
    errorMessage: job.errorMessage,
    startedAt: timestampFromMs(job.startedAtMs),
    step: job.steps.at(-1)?.name ?? "",
    logBytes: BigInt(job.state === "running" ? 0 : Buffer.byteLength(job.log)),
    steps: job.steps.map(({ name, startedAtMs, finishedAtMs, failed, logOffset }) => ({
      name,
      startedAt: timestampFromMs(startedAtMs),
      failed,
      logOffset: BigInt(logOffset),
      ...(finishedAtMs === undefined ? {} : { finishedAt: timestampFromMs(finishedAtMs) }),
    })),
  });
}

/** As a real machine, which cannot mount what it was not started with; `fail-mount` is one that it cannot mount anyway. */
function failuresOf(folders: readonly MountedFolder[], tags: readonly string[]): Record<string, string> {
  const missing = folders.filter(({ tag, name }) => name === "fail-mount" || !tags.includes(tag));
  return Object.fromEntries(missing.map(({ tag }) => [tag, "it could not be mounted"]));
}

function usageOf(usage: SimulatedUsage) {
  return {
    memoryTotalBytes: 8n << 30n,
    memoryAvailableBytes: 6n << 30n,
    dataDiskTotalBytes: 64n << 30n,
    dataDiskFreeBytes: 60n << 30n,
    loadAverage1m: 0,
    environments: usage.environments(Date.now()),
  };
}
