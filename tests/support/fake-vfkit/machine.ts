import type { Guest, VsockPort } from "./guest.ts";

type State = "Stopped" | "Starting" | "Running" | "Pausing" | "Paused" | "Resuming" | "Stopping";
export type Change = "Pause" | "Resume" | "Stop" | "HardStop";

/** VZVirtualMachine's states: which may follow which, and what may be asked for in each. */
export class Machine {
  readonly ended: Promise<void>;
  readonly #guest: Guest;
  readonly #resolveEnded: () => void;
  #state: State = "Stopped";

  constructor(guest: Guest) {
    this.#guest = guest;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#resolveEnded = resolve;
  }

  get state(): State {
    return this.#state;
  }

  get vsockPorts(): readonly VsockPort[] {
    return this.#guest.vsockPorts;
  }

  get can(): Readonly<Record<"canStart" | "canPause" | "canResume" | "canStop" | "canHardStop", boolean>> {
    return {
      canStart: this.#state === "Stopped",
      canPause: this.#state === "Running",
      canResume: this.#state === "Paused",
      canStop: this.#state === "Running",
      canHardStop: this.#state === "Running" || this.#state === "Paused",
    };
  }

  async start(): Promise<void> {
    this.#state = "Starting";
    await this.#guest.start(() => {
      this.#state = "Stopped";
      this.#resolveEnded();
    });
    this.#state = "Running";
  }

  /** Fails as VZ does when the state forbids it. */
  async change(change: Change): Promise<void> {
    const allowed = { Pause: "canPause", Resume: "canResume", Stop: "canStop", HardStop: "canHardStop" } as const;
    if (!this.can[allowed[change]])
      throw new Error(
        `Error Domain=VZErrorDomain Code=3 "Invalid virtual machine state. Transition from state “${this.#state}” is invalid."`,
      );
    if (change === "Stop") return this.#guest.pressPowerButton();
    if (change === "HardStop") {
      this.#state = "Stopping";
      return this.#guest.pullPlug();
    }
    this.#state = change === "Pause" ? "Pausing" : "Resuming";
    await (change === "Pause" ? this.#guest.pause() : this.#guest.resume());
    this.#state = change === "Pause" ? "Paused" : "Running";
  }

  removeFiles(): void {
    this.#guest.removeFiles();
  }
}
