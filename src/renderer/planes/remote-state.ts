import { create } from "@bufbuild/protobuf";
import { type RemoteEnvironment, type WaitingChange, WaitingChange_Kind } from "../../contract/gen/berth/v1/context_pb.js";
import { type EnvironmentAction, whyEnvironmentCannot, type WhyNot } from "../../contract/environment-can.ts";
import { EnvironmentPhase, EnvironmentSchema } from "../../contract/gen/gitpod/v1/environment_pb.js";
import type { RowState } from "../environments/environment-row.ts";

const { RUNNING, STOPPED, STOPPING, STARTING, CREATING, UPDATING, DELETING, DELETED } = EnvironmentPhase;

const kinds: Readonly<Partial<Record<EnvironmentAction, WaitingChange_Kind>>> = {
  start: WaitingChange_Kind.START,
  stop: WaitingChange_Kind.STOP,
  delete: WaitingChange_Kind.DELETE,
};

/** What can be done with an environment of a plane. */
export type RemoteAction = Extract<EnvironmentAction, "start" | "stop" | "rename" | "delete" | "connect-ssh">;

/** The state of an environment of a plane in a word; undefined when the plane does not tell it. */
export function remoteState({ phase, desiredPhase, failures }: RemoteEnvironment): RowState | undefined {
  if (phase === DELETING || phase === DELETED || desiredPhase === DELETED) return "deleting";
  const failed = failures.length > 0;
  switch (phase) {
    case RUNNING:
      return desiredPhase === STOPPED ? "stopping" : failed ? "recovery" : "running";
    case STOPPED:
      // What is wanted was told, and its runner has not looked at it yet.
      return failed ? "failed" : desiredPhase === RUNNING ? "starting" : "stopped";
    case STOPPING:
      return "stopping";
    case CREATING:
    case STARTING:
    case UPDATING:
      return "starting";
    case EnvironmentPhase.UNSPECIFIED:
      return undefined;
  }
}

/** Whether it will be something else in a moment, without anybody doing anything. */
export function isInTransition(environment: RemoteEnvironment): boolean {
  const state = remoteState(environment);
  return state === "starting" || state === "stopping" || state === "deleting";
}

/** Why an action cannot be done, with what waits for the plane counted as done. */
export function whyRemoteCannot(
  action: RemoteAction,
  environment: RemoteEnvironment,
  waiting: readonly WaitingChange[],
): WhyNot | "waits" | "deletion-waits" | undefined {
  const waits = (wanted: WaitingChange_Kind): boolean =>
    waiting.some(({ kind, needsConfirmation }) => kind === wanted && !needsConfirmation);
  // Another rename takes the place of the one that waits.
  const kind = kinds[action];
  if (kind !== undefined && waits(kind)) return "waits";
  if (waits(WaitingChange_Kind.DELETE)) return "deletion-waits";
  const isStarting = remoteState(environment) === "starting";
  const wished = waiting.findLast(({ kind }) => kind === WaitingChange_Kind.START || kind === WaitingChange_Kind.STOP)?.kind;
  const desiredPhase =
    wished === WaitingChange_Kind.START ? RUNNING : wished === WaitingChange_Kind.STOP ? STOPPED : environment.desiredPhase;
  const status = { phase: isStarting ? STARTING : environment.phase, failureMessage: environment.failures };
  return whyEnvironmentCannot(action, create(EnvironmentSchema, { spec: { desiredPhase }, status }));
}
