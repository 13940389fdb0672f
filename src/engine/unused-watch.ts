import { EnvironmentPhase, type Environment } from "../contract/gen/gitpod/v1/environment_pb.js";
import { type Log, messageOf } from "../lib/log.ts";
import type { MachineKeeper } from "./machine-keeper.ts";

const lookIntervalMs = 60_000;
const usageTimeoutMs = 10_000;
const suspendTimeoutMs = 120_000;
/** Containers that use more of a processor than this work on something, though nobody is connected. */
const busyShare = 0.05;

export interface UnusedWatchOptions {
  readonly machine: MachineKeeper;
  readonly environments: () => Promise<readonly Environment[]>;
  /** After so long without use a machine whose environments run is suspended; 0 is never. */
  readonly unusedMinutes: () => number;
  readonly now: () => number;
  readonly log: Log;
}

/** Suspends a machine whose environments run but are neither used nor at work. */
export class UnusedWatch {
  readonly #options: UnusedWatchOptions;
  readonly #stop = new AbortController();
  #lastCpu: { readonly atMs: number; readonly nanoseconds: number } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: UnusedWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.look().catch((error: unknown) => this.#options.log.info("use of the machine was not looked at", { reason: messageOf(error) }));
    }, lookIntervalMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#stop.abort();
  }

  /** One look; public, so that a test need not wait for the next. */
  async look(): Promise<void> {
    const { machine, environments, unusedMinutes, log } = this.#options;
    const minutes = unusedMinutes();
    if (minutes === 0 || machine.view !== "ready") return this.#forget();
    if ((await environments()).some(isUnderWay)) machine.uses.note();
    if (await this.#containersWork()) machine.uses.note();
    if (machine.uses.unusedMs < minutes * 60_000) return;
    log.info("nobody uses the machine and it is suspended", { minutes });
    await machine.suspend(AbortSignal.any([this.#stop.signal, AbortSignal.timeout(suspendTimeoutMs)]));
  }

  async #containersWork(): Promise<boolean> {
    const { machine, now } = this.#options;
    const { environments } = await machine.agent().getUsage({}, { signal: this.#stop.signal, timeoutMs: usageTimeoutMs });
    const current = { atMs: now(), nanoseconds: environments.reduce((sum, e) => sum + Number(e.cpuNanoseconds), 0) };
    const before = this.#lastCpu;
    this.#lastCpu = current;
    if (before === undefined) return true;
    return current.nanoseconds - before.nanoseconds > (current.atMs - before.atMs) * 1e6 * busyShare;
  }

  #forget(): void {
    this.#lastCpu = undefined;
    this.#options.machine.uses.note();
  }
}

function isUnderWay({ status }: Environment): boolean {
  return status?.phase !== EnvironmentPhase.RUNNING && status?.phase !== EnvironmentPhase.STOPPED;
}
