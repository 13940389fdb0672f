import { BerthError } from "../contract/berth-error.ts";
import {
  type RemoteEnvironmentDetails,
  RemoteEnvironmentDetails_Stage as Stage,
  type WatchRemoteEnvironmentResponse,
} from "../contract/gen/berth/v1/context_pb.js";
import { EnvironmentPhase } from "../contract/gen/gitpod/v1/environment_pb.js";
import { RunnerPhase } from "../contract/gen/gitpod/v1/runner_pb.js";
import type { HostClients } from "./connection.ts";
import { type Progress, stderrProgress } from "./progress.ts";
import { asError } from "./report.ts";

export type Goal = "running" | "stopped" | "gone";

export interface RemoteWish {
  readonly contextId: string;
  readonly contextName: string;
  readonly environmentId: string;
  /** The version of what is wanted; a phase that is about an earlier one says nothing yet. */
  readonly specVersion: bigint;
  readonly goal: Goal;
  /** A step that lasts as long as the wait, where no stages are told. */
  readonly step?: string;
}

const stageNames: Readonly<Record<Stage, string>> = {
  [Stage.UNSPECIFIED]: "",
  [Stage.RUNNER]: "Waiting for the runner",
  [Stage.MACHINE]: "Starting the machine",
  [Stage.CONTENT]: "Getting the working copy",
  [Stage.DEVCONTAINER]: "Building the dev container",
};

/** Waits until a wish about an environment of a plane has come true, and tells the stages on stderr. */
export async function followRemote({ contexts }: HostClients, wish: RemoteWish, signal: AbortSignal) {
  const progress = stderrProgress();
  const teller = new StageTeller(progress, wish);
  try {
    if (wish.step !== undefined) progress.begin(wish.step, wish.step);
    const { contextId, environmentId } = wish;
    for await (const { seen } of contexts.watchRemoteEnvironment({ contextId, environmentId }, { signal })) {
      teller.tell(seen);
      const outcome = outcomeOf(wish, seen);
      if (outcome === undefined) continue;
      progress.close("done");
      return outcome === "gone" ? undefined : outcome;
    }
    throw new BerthError("host-not-running", "it stopped telling how the environment is");
  } catch (error) {
    progress.close(signal.aborted ? undefined : "failed");
    throw error;
  }
}

/** Undefined while the wish has not come true; fails when it cannot. */
function outcomeOf(wish: RemoteWish, seen: WatchRemoteEnvironmentResponse["seen"]): RemoteEnvironmentDetails | "gone" | undefined {
  if (seen.case === "gone") {
    if (wish.goal === "gone") return "gone";
    throw new BerthError("environment-not-found", "it was deleted while this command waited for it");
  }
  if (seen.case !== "details") return undefined;
  const { environment, seenSpecVersion } = seen.value;
  if (environment === undefined || seenSpecVersion < wish.specVersion) return undefined;
  const { phase, desiredPhase, failures } = environment;
  if (wish.goal !== "gone") checkWanted(wish.goal, desiredPhase);
  const wanted = wish.goal === "running" ? EnvironmentPhase.RUNNING : EnvironmentPhase.STOPPED;
  if (wish.goal !== "gone" && phase === wanted) return seen.value;
  const [failure] = failures;
  // While it goes on being brought up, a failure is being dealt with.
  const isFinal = wish.goal !== "running" || phase === EnvironmentPhase.STOPPED;
  if (failure !== undefined && isFinal) throw asError(failure);
  return undefined;
}

/** Fails when somebody else wants something else by now. */
function checkWanted(goal: "running" | "stopped", desired: EnvironmentPhase): void {
  if (desired === EnvironmentPhase.DELETED) throw new BerthError("environment-not-found", "it is being deleted");
  if (goal === "running" && desired === EnvironmentPhase.STOPPED)
    throw new BerthError("environment-not-running", "it was stopped while this command waited for it");
  if (goal === "stopped" && desired === EnvironmentPhase.RUNNING)
    throw new BerthError("environment-busy", "it was started again while this command waited for it");
}

class StageTeller {
  readonly #progress: Progress;
  readonly #wish: RemoteWish;
  #stage: Stage = Stage.UNSPECIFIED;
  #toldRunner = false;

  constructor(progress: Progress, wish: RemoteWish) {
    this.#progress = progress;
    this.#wish = wish;
  }

  tell(seen: WatchRemoteEnvironmentResponse["seen"]): void {
    if (seen.case === "offline")
      this.#progress.note(`${this.#wish.contextName} does not answer (${seen.value}). It is asked again until it does.`);
    if (seen.case === "details") this.#tellDetails(seen.value);
  }

  #tellDetails({ stage, runnerPhase, runnerName }: RemoteEnvironmentDetails): void {
    if (runnerPhase === RunnerPhase.INACTIVE && !this.#toldRunner) {
      this.#toldRunner = true;
      this.#progress.note(`Its runner ${runnerName} is not connected to the plane. It goes on when the runner is back.`);
    }
    if (stage === this.#stage || this.#wish.step !== undefined) return;
    if (this.#stage !== Stage.UNSPECIFIED) this.#progress.end(stageNames[this.#stage], "done");
    this.#stage = stage;
    if (stage !== Stage.UNSPECIFIED) this.#progress.begin(stageNames[stage], stageNames[stage]);
  }
}
