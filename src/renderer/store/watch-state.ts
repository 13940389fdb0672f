import { fromBinary } from "@bufbuild/protobuf";
import type { EnvironmentDetails, Machine, WatchEnvironment, WatchResponse } from "../../contract/gen/berth/v1/host_pb.js";
import { type Environment, EnvironmentSchema } from "../../contract/gen/gitpod/v1/environment_pb.js";

/** An environment as the screens see it: the public API's view with what this computer knows of it. */
export interface EnvironmentView {
  readonly id: string;
  readonly environment: Environment;
  readonly details: EnvironmentDetails | undefined;
}

/** What WorkspaceService.Watch has told. Values that did not change keep their identity, so that only what changed is drawn. */
export interface WatchState {
  /** Nothing is known before the first snapshot. */
  readonly known: boolean;
  readonly sequence: bigint;
  readonly environments: ReadonlyMap<string, EnvironmentView>;
  /** The machine that environments share. */
  readonly machine: Machine | undefined;
  /** The machines that environments have to themselves, by the machine's id. */
  readonly ownMachines: ReadonlyMap<string, Machine>;
}

export const nothingWatched: WatchState = {
  known: false,
  sequence: 0n,
  environments: new Map(),
  machine: undefined,
  ownMachines: new Map(),
};

/** Thrown when a number is missing in between; the answer is to watch again from 0. */
export class WatchGap extends Error {
  override readonly name = "WatchGap";
}

/** The state after one message. Pure. Throws WatchGap when messages were lost before it. */
export function afterWatch(state: WatchState, { sequence, event }: WatchResponse): WatchState {
  if (event.case === "snapshot") {
    const environments = new Map(event.value.environments.map(viewOf).map((view) => [view.id, view]));
    const ownMachines = new Map(event.value.machines.filter(isOwn).map((machine) => [machine.id, machine]));
    return { known: true, sequence, environments, machine: event.value.machines.find((m) => !isOwn(m)), ownMachines };
  }
  if (!state.known || sequence !== state.sequence + 1n) throw new WatchGap(`${sequence} follows ${state.sequence}`);
  switch (event.case) {
    case "environment": {
      const view = viewOf(event.value);
      return { ...state, sequence, environments: new Map(state.environments).set(view.id, view) };
    }
    case "removedEnvironmentId": {
      const environments = new Map(state.environments);
      environments.delete(event.value);
      return { ...state, sequence, environments };
    }
    case "machine":
      if (!isOwn(event.value)) return { ...state, sequence, machine: event.value };
      return { ...state, sequence, ownMachines: new Map(state.ownMachines).set(event.value.id, event.value) };
    case "removedMachineId": {
      const ownMachines = new Map(state.ownMachines);
      ownMachines.delete(event.value);
      return { ...state, sequence, ownMachines };
    }
    case undefined:
      return { ...state, sequence };
  }
}

function viewOf({ environment, details }: WatchEnvironment): EnvironmentView {
  const message = fromBinary(EnvironmentSchema, environment);
  return { id: message.id, environment: message, details };
}

function isOwn({ environmentId }: Machine): boolean {
  return environmentId !== "";
}
