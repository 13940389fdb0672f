import { create } from "@bufbuild/protobuf";
import {
  type ObservedEnvironment,
  type ObservedJob,
  ObservedContent_State,
  ObservedDevcontainer_State,
  ObservedJob_State,
} from "../contract/gen/berth/v1/agent_pb.js";
import {
  type Environment,
  EnvironmentPhase,
  type EnvironmentStatus,
  EnvironmentStatus_ContentPhase,
  EnvironmentStatus_DevContainer_Phase,
  EnvironmentStatus_DevContainer_Presence,
  EnvironmentStatus_Machine_Phase,
  EnvironmentStatus_RunnerACK_StatusCode,
  EnvironmentStatusSchema,
  FileChange_ChangeType,
} from "../contract/gen/gitpod/v1/environment_pb.js";
import type { MachineView } from "./machine-view.ts";
import type { Step, Wish } from "./plan.ts";

const changeTypes: Readonly<Record<string, FileChange_ChangeType>> = {
  added: FileChange_ChangeType.ADDED,
  modified: FileChange_ChangeType.MODIFIED,
  deleted: FileChange_ChangeType.DELETED,
  renamed: FileChange_ChangeType.RENAMED,
  copied: FileChange_ChangeType.COPIED,
  "updated-but-unmerged": FileChange_ChangeType.UPDATED_BUT_UNMERGED,
  untracked: FileChange_ChangeType.UNTRACKED,
};

export interface StatusInput {
  readonly environment: Environment;
  readonly wish: Wish;
  readonly step: Step;
  readonly machine: MachineView;
  readonly machineFailure: string | undefined;
  readonly observed: ObservedEnvironment | undefined;
  readonly uploadFailure: string | undefined;
  /** Why the next step cannot be begun, once that was tried often enough. */
  readonly stepFailure: string | undefined;
  readonly sshUrl: string;
  /** The keys of the spec may log in. */
  readonly keysInSync: boolean;
}

/** While the hypervisor holds the machine; nothing else of the environment can be observed then. */
const hostDiskFullWarning = "host-disk-full: the machine is paused and goes on by itself when the disk of this computer has space again";

/** What people and clients see, derived from what was observed and the next step; nothing of it is stored for deciding. */
export function deriveStatus(input: StatusInput): EnvironmentStatus {
  const { environment, observed, step } = input;
  const before = environment.status;
  if (input.machine === "paused" && before !== undefined) return { ...before, warningMessage: [hostDiskFullWarning] };
  const content = contentStatus(input);
  const devcontainer = devcontainerStatus(input);
  return create(EnvironmentStatusSchema, {
    statusVersion: before?.statusVersion ?? 0n,
    runnerAck: { specVersion: environment.spec?.specVersion ?? 0n, statusCode: EnvironmentStatus_RunnerACK_StatusCode.OK },
    phase: phaseOf(input),
    failureMessage: step.kind === "settled" ? failuresOf(input, content.failureMessage, devcontainer.failureMessage) : [],
    environmentUrls: { ssh: { url: input.sshUrl } },
    machine: {
      session: environment.spec?.machine?.session ?? "",
      phase: machinePhases[input.machine],
      failureMessage: input.machineFailure ?? "",
    },
    content,
    devcontainer,
    warningMessage:
      observed?.devcontainer?.warningMessage === undefined || observed.devcontainer.warningMessage === ""
        ? []
        : [observed.devcontainer.warningMessage],
    sshPublicKeys: (environment.spec?.sshPublicKeys ?? []).map(({ id }) => ({
      id,
      phase: input.keysInSync ? EnvironmentStatus_ContentPhase.READY : EnvironmentStatus_ContentPhase.INITIALIZING,
    })),
    ...(before?.activitySignal === undefined ? {} : { activitySignal: before.activitySignal }),
  });
}

const machinePhases: Readonly<Record<MachineView, EnvironmentStatus_Machine_Phase>> = {
  off: EnvironmentStatus_Machine_Phase.STOPPED,
  failed: EnvironmentStatus_Machine_Phase.STOPPED,
  busy: EnvironmentStatus_Machine_Phase.STARTING,
  paused: EnvironmentStatus_Machine_Phase.RUNNING,
  ready: EnvironmentStatus_Machine_Phase.RUNNING,
  asleep: EnvironmentStatus_Machine_Phase.RUNNING,
};

function phaseOf({ step, wish }: StatusInput): EnvironmentPhase {
  if (wish.phase === "deleted") return EnvironmentPhase.DELETING;
  if (wish.phase === "stopped")
    return step.kind === "settled" && step.outcome === "stopped" ? EnvironmentPhase.STOPPED : EnvironmentPhase.STOPPING;
  if (step.kind === "authorize-keys") return EnvironmentPhase.RUNNING;
  if (step.kind !== "settled") return EnvironmentPhase.STARTING;
  return step.outcome === "running" ? EnvironmentPhase.RUNNING : EnvironmentPhase.STOPPED;
}

/** What keeps the wish from coming true, once nothing more is done for it by itself. */
function failuresOf({ wish, step, machineFailure, stepFailure, observed }: StatusInput, content: string, devcontainer: string): string[] {
  const of = (jobId: string): string => failureOf(observed?.jobs.find((j) => j.jobId === jobId)) ?? "";
  const told =
    wish.phase === "running"
      ? [machineFailure, content, devcontainer]
      : step.kind === "settled" && step.outcome === "failed"
        ? [machineFailure, of(wish.phase === "deleted" ? wish.deleteJobId : wish.stopJobId)]
        : [];
  return [stepFailure, ...told].filter((m): m is string => m !== undefined && m !== "");
}

function failureOf(job: ObservedJob | undefined): string | undefined {
  const failed = job?.state === ObservedJob_State.FAILED || job?.state === ObservedJob_State.CANCELLED;
  return failed ? `${job.errorCode}: ${job.errorMessage}` : undefined;
}

function contentStatus({ environment, observed, wish, uploadFailure }: StatusInput) {
  const before = environment.status?.content;
  const job = observed?.jobs.find((j) => j.jobId === wish.cloneJobId);
  const failed = failureOf(job) ?? uploadFailure;
  const ready = observed?.content?.state === ObservedContent_State.READY;
  const git = observed?.content?.git;
  return {
    session: environment.spec?.content?.session ?? "",
    phase: ready
      ? EnvironmentStatus_ContentPhase.READY
      : failed !== undefined
        ? EnvironmentStatus_ContentPhase.FAILED
        : job === undefined
          ? EnvironmentStatus_ContentPhase.CREATING
          : EnvironmentStatus_ContentPhase.INITIALIZING,
    failureMessage: ready ? "" : (failed ?? (observed === undefined ? (before?.failureMessage ?? "") : "")),
    contentLocationInMachine: observed?.content?.path ?? before?.contentLocationInMachine ?? "",
    ...(git === undefined
      ? before?.git === undefined
        ? {}
        : { git: before.git }
      : {
          git: {
            cloneUrl: git.cloneUrl,
            branch: git.branch,
            latestCommit: git.latestCommit,
            unpushedCommits: git.unpushedCommits,
            totalUnpushedCommits: git.totalUnpushedCommits,
            totalChangedFiles: git.totalChangedFiles,
            changedFiles: git.changedFiles.map((f) => ({
              path: f.path.slice(0, 255),
              changeType: changeTypes[f.change] ?? FileChange_ChangeType.UNSPECIFIED,
            })),
          },
        }),
  };
}

function devcontainerStatus({ environment, observed, wish }: StatusInput) {
  const before = environment.status?.devcontainer;
  const seen = observed?.devcontainer;
  const job = observed?.jobs.find((j) => j.jobId === wish.upJobId);
  const failure =
    failureOf(job) ?? (job?.state === ObservedJob_State.RUNNING ? "" : (seen?.failureMessage ?? before?.failureMessage ?? ""));
  const { CREATING, FAILED, RUNNING, STOPPED } = EnvironmentStatus_DevContainer_Phase;
  const running = seen?.state === ObservedDevcontainer_State.RUNNING;
  return {
    session: environment.spec?.devcontainer?.session ?? "",
    phase: job?.state === ObservedJob_State.RUNNING ? CREATING : failure !== "" ? FAILED : running ? RUNNING : STOPPED,
    devcontainerFilePath: seen?.configPath ?? before?.devcontainerFilePath ?? "",
    devcontainerFilePresence:
      seen === undefined
        ? (before?.devcontainerFilePresence ?? 0)
        : seen.generated
          ? EnvironmentStatus_DevContainer_Presence.GENERATED
          : seen.configPath === ""
            ? EnvironmentStatus_DevContainer_Presence.UNSPECIFIED
            : EnvironmentStatus_DevContainer_Presence.DISCOVERED,
    devcontainerconfigInSync: seen?.configInSync ?? true,
    secretsInSync: true,
    failureMessage: failure,
    remoteUser: seen?.remoteUser ?? before?.remoteUser ?? "",
    remoteWorkspaceFolder: seen?.remoteWorkspaceFolder ?? before?.remoteWorkspaceFolder ?? "",
    containerName: seen?.containerName ?? "",
    containerId: seen?.containerId ?? "",
    warningMessage: seen?.warningMessage ?? "",
  };
}
