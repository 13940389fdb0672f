import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { type EnvironmentStep, MachineState } from "../contract/gen/berth/v1/host_pb.js";
import { EnvironmentPhase, EnvironmentStatus_ContentPhase } from "../contract/gen/gitpod/v1/environment_pb.js";
import { type EnvironmentView, type HostState, machineOf } from "./host-watch.ts";
import type { Progress } from "./progress.ts";

const machineKey = "machine";
const offStates: ReadonlySet<MachineState> = new Set([MachineState.OFF, MachineState.ABSENT, MachineState.SUSPENDED]);
const machineStepName = "Starting the machine";
const copyKey = "copy";
const diskFullNote = "Warning: the machine is paused because the disk of this computer is full. It goes on by itself when there is space.";

/** Tells the steps of one environment as the host tells them: machine, copy of a folder, clone, dev container. */
export class StepTeller {
  readonly #progress: Progress;
  readonly #environmentId: string;
  readonly #now: () => number;
  /** Steps that ended before, and those that were told of. */
  readonly #done: Set<string>;
  readonly #openedAtMs: number;
  #machineState: MachineState | undefined;
  #toldDiskFull = false;

  constructor({
    progress,
    environmentId,
    before,
    now,
  }: {
    readonly progress: Progress;
    readonly environmentId: string;
    /** The state when the command began; its ended steps are not news. */
    readonly before: HostState;
    readonly now: () => number;
  }) {
    this.#progress = progress;
    this.#environmentId = environmentId;
    this.#now = now;
    this.#openedAtMs = now();
    this.#machineState = machineOf(before, environmentId)?.state;
    const steps = before.environments.get(environmentId)?.details?.steps ?? [];
    this.#done = new Set(steps.filter(hasEnded).map(keyOf));
  }

  tell(state: HostState): void {
    const machine = machineOf(state, this.#environmentId)?.state;
    this.#tellMachine(machine);
    const view = state.environments.get(this.#environmentId);
    if (view === undefined) return;
    this.#tellCopy(view, machine);
    for (const step of view.details?.steps ?? []) this.#tellStep(step);
  }

  #tellMachine(state: MachineState | undefined): void {
    const before = this.#machineState;
    this.#machineState = state;
    if (state === MachineState.BOOTING) this.#progress.begin(machineKey, machineStepName);
    else if (this.#progress.isRunning(machineKey)) {
      if (state === MachineState.READY) this.#progress.end(machineKey, "done");
      if (state === MachineState.FAILED || state === MachineState.OFF) this.#progress.end(machineKey, "failed");
    } else if (state === MachineState.READY && before !== undefined && offStates.has(before)) {
      // It started faster than changes are told.
      this.#progress.tell(machineStepName, "done", this.#now() - this.#openedAtMs);
    }
    if (state === MachineState.PAUSED && !this.#toldDiskFull) {
      this.#toldDiskFull = true;
      this.#progress.note(diskFullNote);
    }
  }

  /** The host copies a folder itself, so no step of the machine tells of it. */
  #tellCopy({ environment, details }: EnvironmentView, machine: MachineState | undefined): void {
    const content = environment.status?.content?.phase;
    const phase = environment.status?.phase;
    const isCopying =
      (details?.sourceFolder ?? "") !== "" &&
      machine === MachineState.READY &&
      content === EnvironmentStatus_ContentPhase.CREATING &&
      (phase === EnvironmentPhase.CREATING || phase === EnvironmentPhase.STARTING);
    if (isCopying) this.#progress.begin(copyKey, "Copying the folder into the machine");
    else this.#progress.end(copyKey, content === EnvironmentStatus_ContentPhase.READY ? "done" : "failed");
  }

  #tellStep(step: EnvironmentStep): void {
    const key = keyOf(step);
    if (this.#done.has(key)) return;
    if (!hasEnded(step)) {
      this.#progress.begin(key, step.name, step.startedAt === undefined ? 0 : this.#now() - timestampMs(step.startedAt));
      return;
    }
    this.#done.add(key);
    const durationMs = between(step.startedAt, step.finishedAt);
    const outcome = step.failed ? "failed" : "done";
    if (this.#progress.isRunning(key)) this.#progress.end(key, outcome, durationMs);
    else this.#progress.tell(step.name, outcome, durationMs ?? 0);
  }
}

function hasEnded(step: EnvironmentStep): boolean {
  return step.failed || step.finishedAt !== undefined;
}

function keyOf({ name, startedAt }: EnvironmentStep): string {
  return `${name} ${startedAt === undefined ? 0 : timestampMs(startedAt)}`;
}

function between(from: Timestamp | undefined, to: Timestamp | undefined): number | undefined {
  return from === undefined || to === undefined ? undefined : timestampMs(to) - timestampMs(from);
}
