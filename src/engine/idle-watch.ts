import { type Log, messageOf } from "../lib/log.ts";
import type { MachineKeeper } from "./machine-keeper.ts";

const restTimeoutMs = 120_000;

export interface IdleWatchOptions {
  readonly machine: MachineKeeper;
  /** A machine without an environment that shall run rests after this; 0 is never. */
  readonly idleMs: () => number;
  /** The same of one that a person started by hand. */
  readonly idleByHandMs: () => number;
  readonly log: Log;
  /** Ends the watch. */
  readonly ended: AbortSignal;
}

/** Lets one machine rest when nothing has needed it for a while: suspends it, or shuts it down where it cannot be. */
export class IdleWatch {
  readonly #options: IdleWatchOptions;
  #timer: NodeJS.Timeout | undefined;
  #byHand = false;

  constructor(options: IdleWatchOptions) {
    this.#options = options;
  }

  /** `isUnused`: all environments on it are stopped, and shall be. */
  look(isUnused: boolean): void {
    const idleMs = this.#idleMs;
    if (!isUnused || idleMs === 0 || this.#options.machine.view !== "ready") return this.cancel();
    this.#timer ??= setTimeout(() => this.#end(), idleMs).unref();
  }

  /** Counts anew at the next look. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Something else is wanted of an environment on it. */
  wishChanged(): void {
    this.#byHand = false;
    this.cancel();
  }

  /** Somebody started it for a reason of their own. */
  startedByHand(): void {
    this.#byHand = true;
    this.cancel();
  }

  get #idleMs(): number {
    const { idleMs, idleByHandMs } = this.#options;
    return this.#byHand ? idleByHandMs() : idleMs();
  }

  #end(): void {
    const { machine, log, ended } = this.#options;
    this.#timer = undefined;
    if (ended.aborted) return;
    // A command in it or a look at its log needs no environment that runs.
    if (machine.uses.isHeld) return this.look(true);
    this.#byHand = false;
    log.info("the machine is not needed and rests");
    machine
      .rest(AbortSignal.any([ended, AbortSignal.timeout(restTimeoutMs)]), { nothingRuns: true })
      .catch((error: unknown) => log.warn("the machine does not rest", { reason: messageOf(error) }));
  }
}
