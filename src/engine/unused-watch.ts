import { EnvironmentPhase, type Environment } from "../contract/gen/gitpod/v1/environment_pb.js";
import { type Log, messageOf } from "../lib/log.ts";
import type { KeptMachine, Machines } from "./machines.ts";

const lookIntervalMs = 60_000;
const usageTimeoutMs = 10_000;
const suspendTimeoutMs = 120_000;
/** Containers that use more of a processor than this work on something, though nobody is connected. */
const busyShare = 0.05;

export interface UnusedWatchOptions {
  readonly machines: Machines;
  readonly environments: () => Promise<readonly Environment[]>;
  /** After so long without use a machine whose environments run is suspended; 0 is never. */
  readonly unusedMinutes: () => number;
  readonly now: () => number;
  readonly log: Log;
}

/** Suspends each machine whose environments run but are neither used nor at work. */
export class UnusedWatch {
  readonly #options: UnusedWatchOptions;
  readonly #stop = new AbortController();
  readonly #lastCpu = new WeakMap<KeptMachine, { readonly atMs: number; readonly nanoseconds: number }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: UnusedWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), lookIntervalMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#stop.abort();
  }

  /** One look at every machine; public, so that a test need not wait for the next. */
  async look(): Promise<void> {
    const { machines, log } = this.#options;
    for (const machine of machines.all)
      await this.#lookAt(machine).catch((error: unknown) =>
        log.info("use of the machine was not looked at", { machineId: machine.id, reason: messageOf(error) }),
      );
  }

  async #lookAt(machine: KeptMachine): Promise<void> {
    const { machines, environments, unusedMinutes, log } = this.#options;
    const { keeper } = machine;
    const minutes = unusedMinutes();
    if (minutes === 0 || keeper.view !== "ready") {
      this.#lastCpu.delete(machine);
      return keeper.uses.note();
    }
    const held = (await environments()).filter(({ id }) => machines.kept(id) === machine);
    if (held.some(isUnderWay)) keeper.uses.note();
    if (await this.#containersWork(machine)) keeper.uses.note();
    if (keeper.uses.unusedMs < minutes * 60_000) return;
    log.info("nobody uses the machine and it is suspended", { machineId: machine.id, minutes });
    await keeper.suspend(AbortSignal.any([this.#stop.signal, AbortSignal.timeout(suspendTimeoutMs)]));
  }

  async #containersWork(machine: KeptMachine): Promise<boolean> {
    const { environments } = await machine.keeper.agent().getUsage({}, { signal: this.#stop.signal, timeoutMs: usageTimeoutMs });
    const current = { atMs: this.#options.now(), nanoseconds: environments.reduce((sum, e) => sum + Number(e.cpuNanoseconds), 0) };
    const before = this.#lastCpu.get(machine);
    this.#lastCpu.set(machine, current);
    if (before === undefined) return true;
    return current.nanoseconds - before.nanoseconds > (current.atMs - before.atMs) * 1e6 * busyShare;
  }
}

function isUnderWay({ status }: Environment): boolean {
  return status?.phase !== EnvironmentPhase.RUNNING && status?.phase !== EnvironmentPhase.STOPPED;
}
