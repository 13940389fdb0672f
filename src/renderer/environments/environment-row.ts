import { timestampMs, type Timestamp } from "@bufbuild/protobuf/wkt";
import { parseContextUrl } from "../../contract/context-url.ts";
import { sharedMachineId } from "../../contract/machine-id.ts";
import { EnvironmentPhase } from "../../contract/gen/gitpod/v1/environment_pb.js";
import type { EnvironmentView } from "../store/watch-state.ts";

export const rowStates = ["failed", "choice", "recovery", "starting", "stopping", "running", "stopped", "deleting"] as const;
/**
 * What a person needs to tell apart. `choice`: it waits until one of several dev containers is chosen; `recovery`: it
 * runs, but not in the container it should.
 */
export type RowState = (typeof rowStates)[number];

/** An environment as one line of the list. */
export interface EnvironmentRow {
  readonly view: EnvironmentView;
  readonly id: string;
  readonly name: string;
  readonly state: RowState;
  /** `host/owner/repository`, or the folder's path. */
  readonly project: string;
  readonly isFolder: boolean;
  readonly branch: string;
  readonly changed: number;
  readonly unpushed: number;
  readonly ports: readonly { readonly port: number; readonly url: string; readonly name: string }[];
  /** Whether it shares its machine; empty while that is not known. */
  readonly machine: "" | "shared" | "own";
  readonly createdMs: number;
  readonly activityMs: number;
  /** The step that goes on now. */
  readonly step: { readonly name: string; readonly sinceMs: number } | undefined;
  /** What failed, as `code: detail`. */
  readonly failure: string;
  readonly searched: string;
}

export function rowOf(view: EnvironmentView): EnvironmentRow {
  const { environment, details } = view;
  const { metadata, status } = environment;
  const name = metadata?.name ?? environment.id;
  const source = metadata?.originalContextUrl ?? "";
  const folder = details?.sourceFolder ?? "";
  const project = folder === "" ? projectOf(source) : folder;
  const git = status?.content?.git;
  const branch = git?.branch ?? "";
  const running = details?.steps.findLast((step) => step.finishedAt === undefined);
  const state = stateOf(view);
  return {
    view,
    id: environment.id,
    name,
    state,
    project,
    isFolder: folder !== "",
    branch,
    changed: git?.totalChangedFiles ?? 0,
    unpushed: git?.totalUnpushedCommits ?? 0,
    ports: (details?.ports ?? [])
      .filter((port) => port.url !== "")
      .map((port) => ({ port: port.containerPort, url: port.url, name: port.label === "" ? port.processName : port.label })),
    machine: machineOf(details?.machineId ?? ""),
    createdMs: msOf(metadata?.createdAt),
    activityMs: Math.max(msOf(metadata?.lastStartedAt), msOf(metadata?.createdAt)),
    step: state === "starting" && running !== undefined ? { name: running.name, sinceMs: msOf(running.startedAt) } : undefined,
    failure: status?.failureMessage[0] ?? "",
    searched: [name, project, branch, source].join(" ").toLowerCase(),
  };
}

function machineOf(machineId: string): EnvironmentRow["machine"] {
  if (machineId === "") return "";
  return machineId === sharedMachineId ? "shared" : "own";
}

function stateOf({ environment, details }: EnvironmentView): RowState {
  const phase = environment.status?.phase;
  const wished = environment.spec?.desiredPhase;
  const failed = (environment.status?.failureMessage.length ?? 0) > 0;
  if (wished === EnvironmentPhase.DELETED || phase === EnvironmentPhase.DELETING || phase === EnvironmentPhase.DELETED)
    return failed && phase === EnvironmentPhase.DELETING ? "failed" : "deleting";
  if (phase === EnvironmentPhase.STOPPED) {
    return failed && wished === EnvironmentPhase.RUNNING ? "failed" : wished === EnvironmentPhase.RUNNING ? "starting" : "stopped";
  }
  if (wished === EnvironmentPhase.STOPPED) return failed && phase === EnvironmentPhase.STOPPING ? "failed" : "stopping";
  if (phase !== EnvironmentPhase.RUNNING) return "starting";
  if (details?.errorCode === "devcontainer-choice") return "choice";
  return details?.recovery === true ? "recovery" : "running";
}

/** What environments of one repository have in common, whichever page of it they were made from. */
function projectOf(source: string): string {
  try {
    const { host, owner, repository } = parseContextUrl(source);
    return [host, owner, repository].filter((part) => part !== "").join("/");
  } catch {
    return source;
  }
}

function msOf(timestamp: Timestamp | undefined): number {
  return timestamp === undefined ? 0 : timestampMs(timestamp);
}
