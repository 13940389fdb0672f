import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Option } from "commander";
import { BerthError } from "../contract/berth-error.ts";
import {
  type Context,
  Context_State,
  type DroppedChange,
  DroppedChange_Reason,
  type ListRemoteEnvironmentsResponse,
  type RemoteEnvironment,
  type WaitingChange,
  WaitingChange_Kind,
} from "../contract/gen/berth/v1/context_pb.js";
import { errorEntry } from "../contract/error-catalogue.ts";
import type { HostClients } from "./connection.ts";
import { findContext } from "./contexts.ts";
import { phaseName } from "./environments.ts";
import { say } from "./output.ts";

/** The plane is away, and the change is kept until it is back. */
export const waitingExitCode = 7;

/** `--context`, with the same words everywhere. */
export function contextOption(): Option {
  return new Option("--context <context>", "of a plane, instead of this computer");
}

/** An environment of a plane, as it was said last. */
export interface FoundRemote {
  readonly context: Context;
  readonly environment: RemoteEnvironment;
  readonly list: ListRemoteEnvironmentsResponse;
}

/** An environment of a context by its name, in any case, or id. Fails with `environment-not-found`. */
export async function findRemote(clients: HostClients, contextName: string, nameOrId: string, signal: AbortSignal): Promise<FoundRemote> {
  const context = await findContext(clients, contextName);
  const list = await clients.contexts.listRemoteEnvironments({ contextId: context.contextId }, { signal });
  const wanted = nameOrId.toLowerCase();
  const isWanted = ({ environmentId, name }: RemoteEnvironment): boolean => environmentId === nameOrId || name.toLowerCase() === wanted;
  const [environment, another] = list.environments.filter(isWanted);
  if (environment === undefined) throw new BerthError("environment-not-found", `'${nameOrId}' at ${context.name}`);
  // Several people may each have one of this name.
  if (another !== undefined)
    throw new BerthError(
      "argument-invalid",
      `several are called '${nameOrId}': name ${environment.environmentId} or ${another.environmentId}`,
    );
  return { context, environment, list };
}

/** A change's kind as it is typed. */
export function kindName(kind: WaitingChange_Kind): string {
  return (WaitingChange_Kind[kind] ?? "unknown").toLowerCase();
}

/** What waits, in a sentence's middle: "stop of web". */
export function describeChange({ kind, environmentName, newName }: WaitingChange): string {
  return `${kindName(kind)} of ${environmentName}${newName === "" ? "" : ` to ${newName}`}`;
}

/** Why a change was never carried out. */
function describeDrop({ reason, errorCode, detail }: DroppedChange): string {
  switch (reason) {
    case DroppedChange_Reason.CHANGED_MEANWHILE:
      return "it was changed elsewhere while the plane was away, and that counts";
    case DroppedChange_Reason.GONE:
      return "the environment is gone";
    case DroppedChange_Reason.REFUSED:
      return `the plane refused it: ${errorEntry(errorCode).title}: ${detail}`;
    case DroppedChange_Reason.UNSPECIFIED:
      return "it is not known why";
  }
}

/** Says what waits for a plane and what was dropped, for people. */
export function sayChanges({ context, waiting, dropped }: ListRemoteEnvironmentsResponse): void {
  const name = context?.name ?? "";
  for (const change of waiting) {
    say(
      change.needsConfirmation
        ? `Asked again: the ${describeChange(change)} was not carried out, because it changed meanwhile. Repeat it, or take it back: berth context take-back ${change.changeId}`
        : `Waiting for ${name}: ${describeChange(change)}`,
    );
  }
  for (const drop of dropped) if (drop.change !== undefined) say(`Not carried out: ${describeChange(drop.change)}; ${describeDrop(drop)}.`);
  if (dropped.length > 0) say(`Say that you have read it with: berth context changes ${name} --clear`);
}

/** Says that what is shown is old. */
export function sayOffline({ context, knownAt }: ListRemoteEnvironmentsResponse): void {
  if (context === undefined) return;
  if (context.state !== Context_State.OFFLINE) {
    if (context.detail !== "") say(`${context.name}: ${context.detail}`);
    return;
  }
  const known = knownAt === undefined ? "" : timestampDate(knownAt).toISOString();
  say(`${context.name} is offline (${context.detail}). This is what it said at ${known}:`);
}

/** A remote environment in the JSON of `list --context` (docs/CLI.md). */
export function remoteRow(environment: RemoteEnvironment) {
  const { environmentId, name, phase, branch, changedFiles, unpushedCommits, source, runnerId } = environment;
  return {
    id: environmentId,
    name,
    phase: phaseName(phase),
    branch,
    changed: changedFiles,
    unpushed: unpushedCommits,
    source,
    runner: runnerId,
    desired: phaseName(environment.desiredPhase),
    class: environment.classId,
    failure: environment.failures,
    warning: environment.warnings,
  };
}

/** A waiting change in the JSON of the commands (docs/CLI.md). */
export function waitingRow({ changeId, environmentId, environmentName, kind, newName, madeAt, needsConfirmation }: WaitingChange) {
  return {
    id: changeId,
    environmentId,
    environment: environmentName,
    change: kindName(kind),
    newName,
    madeAt: madeAt === undefined ? "" : timestampDate(madeAt).toISOString(),
    needsConfirmation,
  };
}
