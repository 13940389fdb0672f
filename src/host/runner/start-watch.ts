import { EnvironmentPhase, type EnvironmentStatus } from "../../contract/gen/gitpod/v1/environment_pb.js";

/** How a start of an environment ended. */
export type StartOutcome = "running" | "failed";

const startingPhases: ReadonlySet<EnvironmentPhase> = new Set([EnvironmentPhase.CREATING, EnvironmentPhase.STARTING]);

/** Times starts by the statuses that the engine writes. */
export class StartWatch {
  readonly #begunMs = new Map<string, number>();
  readonly #nowMs: () => number;
  readonly #onStart: (outcome: StartOutcome, durationMs: number) => void;

  constructor(options: { readonly nowMs: () => number; readonly onStart: (outcome: StartOutcome, durationMs: number) => void }) {
    this.#nowMs = options.nowMs;
    this.#onStart = options.onStart;
  }

  see(environmentId: string, { phase, failureMessage }: Pick<EnvironmentStatus, "phase" | "failureMessage">): void {
    const begunMs = this.#begunMs.get(environmentId);
    if (startingPhases.has(phase) && failureMessage.length === 0) {
      if (begunMs === undefined) this.#begunMs.set(environmentId, this.#nowMs());
      return;
    }
    if (begunMs === undefined) return;
    this.#begunMs.delete(environmentId);
    if (phase === EnvironmentPhase.RUNNING) this.#onStart("running", this.#nowMs() - begunMs);
    // A start that a person stopped is none that failed.
    else if (failureMessage.length > 0) this.#onStart("failed", this.#nowMs() - begunMs);
  }
}
