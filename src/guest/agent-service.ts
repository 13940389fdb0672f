import { create, equals } from "@bufbuild/protobuf";
import { type Duration, durationFromMs, durationMs, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { BerthError } from "../contract/berth-error.ts";
import { toConnectError } from "../contract/connect-error.ts";
import type { AgentService } from "../contract/gen/berth/v1/agent_pb.js";
import {
  HelloResponseSchema,
  ObservedEnvironmentSchema,
  StartJobResponseSchema,
  type SetClockRequest,
  type UploadContentRequest,
  WatchEnvironmentsResponseSchema,
  WatchJobResponseSchema,
} from "../contract/gen/berth/v1/agent_pb.js";
import { changeSignal } from "../lib/change-signal.ts";
import { folderCalls } from "../lib/sync/folder-calls.ts";
import type { BootProfile } from "./boot-profile.ts";
import { receiveUpload } from "./content/upload.ts";
import { findRequirements } from "./devcontainer/find-requirements.ts";
import type { KnownUsers } from "./devcontainer/known-users.ts";
import type { DockerApi } from "./docker-api.ts";
import { dial } from "./dial.ts";
import type { EnvironmentStates } from "./environment-state.ts";
import { exec } from "./exec.ts";
import { bootIdOf, type Identity, stirRandomNumbers } from "./identity.ts";
import type { MachineHealth } from "./health.ts";
import { isMountedReadOnly } from "./mounts.ts";
import { jobErrorCode } from "./jobs/job.ts";
import type { JobStore } from "./jobs/job-store.ts";
import { startJob } from "./jobs/start-job.ts";
import { jobMessage, type Observer } from "./observe.ts";
import { checkNetwork } from "./network/check-network.ts";
import type { GuestNetwork } from "./network/guest-network.ts";
import { runProcess } from "./run-process.ts";
import type { GuestSettings } from "./settings.ts";
import type { SharedFolders } from "./shared-folders.ts";
import { writeAuthorizedKeys } from "./ssh.ts";
import { syncPlaces } from "./sync/sync-places.ts";
import { growDisk, readDiskBill, reclaimSpace, settleDisk } from "./usage/disk-bill.ts";
import { type EnvironmentFigures, usageMessage } from "./usage/environment-figures.ts";
import { readUsage } from "./usage/machine-usage.ts";

/** Counts up when an older host could not talk to this agent. */
const agentProtocol = 1;
/** A step smaller than this is not worth a jump of the guest's clock. */
const clockToleranceMs = 100;

export interface AgentDependencies {
  readonly settings: GuestSettings;
  readonly identity: Identity;
  readonly docker: DockerApi;
  readonly states: EnvironmentStates;
  readonly jobs: JobStore;
  readonly observer: Observer;
  readonly figures: EnvironmentFigures;
  readonly health: MachineHealth;
  readonly bootProfile: BootProfile;
  readonly knownUsers: KnownUsers;
  readonly network: GuestNetwork;
  readonly sharedFolders: SharedFolders;
  readonly now: () => number;
}

/** The agent's RPC methods (proto/berth/v1/agent.proto). */
export function agentService(dependencies: AgentDependencies): ServiceImpl<typeof AgentService> {
  const { settings, identity, docker, states, jobs, observer, figures, health, bootProfile, network, sharedFolders, now } = dependencies;
  return {
    hello: async () => hello(dependencies),
    takeIdentity: async (request) => identity.take(request).then(() => ({}), failCall),
    setClock: (request) => setClock(request, now()),
    setNetwork: async (request) => ({ dockerWaits: await network.set(request) }),
    setSharedFolders: async ({ folders }) => ({ failures: await sharedFolders.set(folders) }),
    checkNetwork: async (request, context) => ({ checks: await checkNetwork(request, dependencies, context.signal) }),
    async getUsage() {
      const usage = readUsage(settings.dataFolder);
      return {
        ...usage,
        memoryTotalBytes: BigInt(usage.memoryTotalBytes),
        memoryAvailableBytes: BigInt(usage.memoryAvailableBytes),
        dataDiskTotalBytes: BigInt(usage.dataDiskTotalBytes),
        dataDiskFreeBytes: BigInt(usage.dataDiskFreeBytes),
        environments: (await figures.read()).map((figure) => usageMessage(figure)),
      };
    },
    getDiskBill: async () => ({ bill: await readDiskBill(settings.dataFolder, dependencies) }),
    reclaimSpace: async () => ({ reclaimedBytes: BigInt(await reclaimSpace(settings.dataFolder, docker)) }),
    growDisk: async () => growDisk(settings.dataFolder).then(() => ({})),
    getBootProfile: () => ({
      phases: bootProfile.phases().map(({ name, endedAtMs }) => ({ name, endedAt: durationFromMs(Math.round(endedAtMs)) })),
    }),
    settleDisk: async () => settleDisk(settings.dataFolder).then(() => ({})),
    dial: (requests) => dial(requests, dependencies),
    exec: (requests) => exec(requests, dependencies),
    async observeEnvironments(request) {
      const all = await observer.observe(request.environmentIds);
      return {
        environments: request.environmentIds.length === 0 ? all : all.filter((e) => request.environmentIds.includes(e.environmentId)),
      };
    },
    watchEnvironments: (_request, context) => watchEnvironments(observer, health, context.signal),
    async startJob(request) {
      refuseReadOnly(settings.dataFolder);
      const record = await startJob(request, dependencies).catch(failCall);
      return create(StartJobResponseSchema, { job: jobMessage(record) });
    },
    getHostRequirements: async (request) => findRequirements(states.workingCopy(request.environmentId), request.configPath),
    watchJob: (request, context) => watchJob(jobs, request, context.signal),
    async cancelJob(request) {
      await jobs.cancel(request.environmentId, request.jobId);
      return {};
    },
    async setAuthorizedKeys({ environmentId, authorizedKeys }) {
      if (states.get(environmentId) === undefined) throw new ConnectError("there is no such environment", Code.NotFound);
      await writeAuthorizedKeys(environmentId, authorizedKeys, settings.runFolder);
      await observer.refreshContainers();
      return {};
    },
    uploadContent: async (requests) => uploadContent(requests, dependencies).catch(failCall),
    ...folderCalls((id) => syncPlaces(states, id), now),
    async powerOff(request) {
      void durationMs(request.grace ?? durationFromMs(0));
      spawn("/bin/busybox", ["poweroff"], { stdio: "ignore", detached: true }).unref();
      return {};
    },
  };
}

async function hello({ settings, docker, health, now }: AgentDependencies) {
  const dockerVersion = docker.knownVersion ?? (await docker.version());
  return create(HelloResponseSchema, {
    protocol: agentProtocol,
    agentVersion: "0.1.0",
    imageSha256: settings.imageSha256,
    bootId: bootIdOf(settings.runFolder),
    dataSchema: Number(readText(`${settings.dataFolder}/schema`)) || 0,
    dockerReady: dockerVersion !== undefined,
    dockerVersion: dockerVersion ?? "",
    guestTime: timestampFromMs(now()),
    warnings: [...health.warnings],
  });
}

async function setClock(request: SetClockRequest, nowMs: number): Promise<{ correctedBy: Duration }> {
  const wantedMs = request.now === undefined ? nowMs : timestampMs(request.now);
  const correctionMs = wantedMs - nowMs;
  await stirRandomNumbers(request.entropy);
  if (Math.abs(correctionMs) > clockToleranceMs) await runProcess(["date", "--set", `@${(wantedMs / 1000).toFixed(3)}`]);
  return { correctedBy: durationFromMs(Math.abs(correctionMs) > clockToleranceMs ? Math.trunc(correctionMs) : 0) };
}

/** Node tells of a folder it cannot make on a read-only disk as of one that is not there. */
function refuseReadOnly(dataFolder: string): void {
  if (isMountedReadOnly(readText("/proc/mounts"), dataFolder)) throw toConnectError(new BerthError("data-disk-read-only", dataFolder));
}

async function uploadContent(requests: AsyncIterable<UploadContentRequest>, { settings, states, observer }: AgentDependencies) {
  const iterator = requests[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true || first.value.message.case !== "start")
    throw new ConnectError("the first message must be start", Code.InvalidArgument);
  refuseReadOnly(settings.dataFolder);
  const { environmentId, directoryName } = first.value.message.value;
  await states.begin(environmentId, directoryName);
  const target = states.workingCopy(environmentId);
  if (existsSync(target)) return { receivedBytes: 0n };
  const receivedBytes = await receiveUpload(target, uploadData(iterator));
  await observer.refreshWorkingCopies([environmentId]);
  return { receivedBytes: BigInt(receivedBytes) };
}

async function* uploadData(iterator: AsyncIterator<UploadContentRequest>): AsyncGenerator<{ data: Uint8Array } | { complete: true }> {
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    const { message } = next.value;
    if (message.case === "data") yield { data: message.value };
    if (message.case === "complete") yield { complete: true };
  }
}

async function* watchEnvironments(observer: Observer, health: MachineHealth, signal: AbortSignal) {
  const sent = new Map<string, Awaited<ReturnType<Observer["observe"]>>[number]>();
  let warned = "";
  const changes = changeSignal((listener) => {
    const ends = [observer.onChange(listener), health.onChange(listener)];
    return () => {
      for (const end of ends) end();
    };
  }, signal);
  try {
    for (let first = true; !signal.aborted; first = false) {
      const all = await observer.observe();
      const changed = all.filter((e) => {
        const before = sent.get(e.environmentId);
        return before === undefined || !equals(ObservedEnvironmentSchema, before, e);
      });
      const removed = [...sent.keys()].filter((id) => !all.some((e) => e.environmentId === id));
      for (const e of changed) sent.set(e.environmentId, e);
      for (const id of removed) sent.delete(id);
      const machineWarnings = [...health.warnings];
      if (first || changed.length > 0 || removed.length > 0 || machineWarnings.join("\n") !== warned)
        yield create(WatchEnvironmentsResponseSchema, { environments: changed, removedEnvironmentIds: removed, machineWarnings });
      warned = machineWarnings.join("\n");
      await changes.next();
    }
  } finally {
    changes.close();
  }
}

async function* watchJob(
  jobs: JobStore,
  request: { readonly environmentId: string; readonly jobId: string; readonly offset: bigint; readonly follow: boolean },
  signal: AbortSignal,
) {
  let offset = Number(request.offset);
  const changes = changeSignal((listener) => {
    const ends = [jobs.onChange(listener), jobs.onLog(listener)];
    return () => {
      for (const end of ends) end();
    };
  }, signal);
  try {
    for (;;) {
      const record = jobs.get(request.environmentId, request.jobId);
      if (record === undefined) throw new ConnectError("there is no such job", Code.NotFound);
      const job = jobMessage(record);
      for (
        let data = jobs.readLog(request.environmentId, request.jobId, offset);
        data.length > 0;
        data = jobs.readLog(request.environmentId, request.jobId, offset)
      ) {
        yield create(WatchJobResponseSchema, { message: { case: "log", value: { offset: BigInt(offset), data } } });
        offset += data.length;
      }
      yield create(WatchJobResponseSchema, { message: { case: "job", value: job } });
      if (record.state !== "running" || !request.follow || signal.aborted) return;
      await changes.next();
    }
  } finally {
    changes.close();
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}

/** Fails a call with the catalogue's code, which a failure keeps on its way to the host. */
function failCall(error: unknown): never {
  if (error instanceof ConnectError) throw error;
  throw toConnectError(new BerthError(jobErrorCode(error), error instanceof Error ? error.message : String(error)));
}
