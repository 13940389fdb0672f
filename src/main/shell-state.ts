import { fromBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { MachineState, type WatchEnvironment, type WatchResponse } from "../contract/gen/berth/v1/host_pb.js";
import { type Environment, EnvironmentPhase, EnvironmentSchema } from "../contract/gen/gitpod/v1/environment_pb.js";

export interface ShellPort {
  readonly port: number;
  readonly url: string;
  readonly label: string;
}

/** As much of an environment as menus and notifications need. */
export interface ShellEnvironment {
  readonly id: string;
  readonly name: string;
  /** The repository's address; empty for a folder. */
  readonly source: string;
  readonly phase: EnvironmentPhase;
  readonly failure: string;
  readonly ports: readonly ShellPort[];
  readonly createdAtMs: number;
}

export interface ShellState {
  readonly connected: boolean;
  readonly environments: readonly ShellEnvironment[];
  readonly machine: MachineState;
}

export const emptyState: ShellState = { connected: false, environments: [], machine: MachineState.UNSPECIFIED };

const busyPhases: ReadonlySet<EnvironmentPhase> = new Set([
  EnvironmentPhase.CREATING,
  EnvironmentPhase.STARTING,
  EnvironmentPhase.UPDATING,
  EnvironmentPhase.STOPPING,
  EnvironmentPhase.DELETING,
]);

/** The environments something is being done to. */
export function busyEnvironments(state: ShellState): readonly ShellEnvironment[] {
  return state.environments.filter(({ phase }) => busyPhases.has(phase));
}

/** The environments a person would lose sight of when Berth ends. */
export function liveEnvironments(state: ShellState): readonly ShellEnvironment[] {
  return state.environments.filter(({ phase }) => phase === EnvironmentPhase.RUNNING || busyPhases.has(phase));
}

/** The state after one message of WorkspaceService.Watch. */
export function applyWatch(state: ShellState, { event }: WatchResponse): ShellState {
  switch (event.case) {
    case "snapshot": {
      const environments = event.value.environments.map(shellEnvironment);
      return { connected: true, environments: sorted(environments), machine: event.value.machines[0]?.state ?? state.machine };
    }
    case "environment": {
      const changed = shellEnvironment(event.value);
      return { ...state, environments: sorted([...state.environments.filter(({ id }) => id !== changed.id), changed]) };
    }
    case "removedEnvironmentId":
      return { ...state, environments: state.environments.filter(({ id }) => id !== event.value) };
    case "machine":
      // Menus tell of the shared one.
      return event.value.environmentId === "" ? { ...state, machine: event.value.state } : state;
    case "removedMachineId":
      return state;
    case undefined:
      return state;
  }
}

function shellEnvironment({ environment: bytes, details }: WatchEnvironment): ShellEnvironment {
  const { id, metadata, spec, status } = fromBinary(EnvironmentSchema, bytes);
  return {
    id,
    name: metadata?.name === undefined || metadata.name === "" ? id : metadata.name,
    source: sourceOf(spec),
    phase: status?.phase ?? EnvironmentPhase.UNSPECIFIED,
    failure: status?.failureMessage[0] ?? "",
    ports: (details?.ports ?? [])
      .filter((port) => port.listening && port.url !== "")
      .map(({ containerPort, url, label, processName }) => ({ port: containerPort, url, label: label === "" ? processName : label })),
    createdAtMs: metadata?.createdAt === undefined ? 0 : timestampMs(metadata.createdAt),
  };
}

function sourceOf(spec: Environment["spec"]): string {
  const initializer = spec?.content?.initializer?.specs[0]?.spec;
  if (initializer?.case === "contextUrl") return initializer.value.url;
  return initializer?.case === "git" ? initializer.value.remoteUri : "";
}

function sorted(environments: readonly ShellEnvironment[]): readonly ShellEnvironment[] {
  return environments.toSorted((a, b) => b.createdAtMs - a.createdAtMs || a.id.localeCompare(b.id));
}
