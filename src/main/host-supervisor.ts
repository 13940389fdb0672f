import { setTimeout as delay } from "node:timers/promises";
import type { HostState } from "../contract/desktop-bridge.ts";
import type { Log } from "../lib/log.ts";
import { waitUntil } from "../lib/wait-until.ts";
import type { HostConnection } from "./host-connection.ts";
import { decideRestart } from "./restart-policy.ts";

const startTimeoutMs = 60_000;
const pollMs = 25;
/** A host ends with this when another one serves the same folder. */
const hostRunningExitCode = 5;

/** A host that was started; `exited` gives its exit code. */
export interface HostProcess {
  readonly exited: Promise<number>;
  /** The last lines it wrote before it ended. */
  lastWords(): string;
  kill(): void;
}

export interface HostSupervisorOptions {
  readonly connection: HostConnection;
  readonly startProcess: () => HostProcess;
  readonly onState: (state: HostState) => void;
  readonly log: Log;
  readonly now: () => number;
}

/**
 * Keeps a host running: its own, or one that ran already. A host that ends by itself is started again, later each
 * time, until it has ended too often; then only the person starts it.
 */
export class HostSupervisor {
  readonly #options: HostSupervisorOptions;
  readonly #stop = new AbortController();
  #state: HostState = { phase: "starting", recentEnds: 0, message: "" };
  #ends: number[] = [];
  #process: HostProcess | undefined;
  #settled = Promise.withResolvers<void>();
  #again = Promise.withResolvers<void>();
  #running: Promise<void> | undefined;

  constructor(options: HostSupervisorOptions) {
    this.#options = options;
  }

  get state(): HostState {
    return this.#state;
  }

  /** Whether the host is one of this app's own; another one goes on without it. */
  get owns(): boolean {
    return this.#process !== undefined;
  }

  start(): void {
    this.#running ??= this.#run(this.#stop.signal);
  }

  /** Resolves when the host runs or was given up, at the latest when the signal aborts. */
  async whenSettled(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const aborted = Promise.withResolvers<void>();
    const abort = (): void => aborted.resolve();
    signal.addEventListener("abort", abort, { once: true });
    await Promise.race([this.#settled.promise, aborted.promise]);
    signal.removeEventListener("abort", abort);
  }

  /** Tries again after giving up. */
  restart(): void {
    this.#ends = [];
    this.#again.resolve();
  }

  /** No further start; the host that runs ends by itself or within the grace. */
  async end(graceMs: number): Promise<void> {
    this.#stop.abort();
    this.#again.resolve();
    const process = this.#process;
    if (process !== undefined) {
      const timer = setTimeout(() => process.kill(), graceMs);
      await process.exited;
      clearTimeout(timer);
    }
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const message = await this.#runOnce(signal);
      if (signal.aborted) break;
      await this.#afterEnd(message, signal);
    }
    this.#set({ phase: "stopped", recentEnds: 0, message: "" });
    this.#settled.resolve();
  }

  /** Runs a host to its end and gives why it ended; nothing when another one was there first. */
  async #runOnce(signal: AbortSignal): Promise<string | undefined> {
    const { connection, startProcess, log } = this.#options;
    if (await connection.open()) {
      log.info("a host runs already");
      this.#isRunning();
      await Promise.race([connection.whenClosed(), once(signal)]);
      return undefined;
    }
    const process = startProcess();
    this.#process = process;
    let exitCode: number | undefined;
    void process.exited.then((code) => (exitCode = code));
    const started = await waitUntil(async () => exitCode !== undefined || (await connection.open()), {
      intervalMs: pollMs,
      signal: AbortSignal.any([signal, AbortSignal.timeout(startTimeoutMs)]),
    });
    if (started && exitCode === undefined) this.#isRunning();
    else if (!signal.aborted) process.kill();
    const code = await process.exited;
    this.#process = undefined;
    connection.close();
    if (code === hostRunningExitCode) return undefined;
    return process.lastWords() || `it ended with code ${code}`;
  }

  async #afterEnd(message: string | undefined, signal: AbortSignal): Promise<void> {
    const { log, now } = this.#options;
    this.#settled = Promise.withResolvers();
    if (message === undefined) return this.#set({ phase: "starting", recentEnds: this.#ends.length, message: "" });
    this.#ends.push(now());
    const decision = decideRestart(this.#ends, now());
    log.warn("the host ended by itself", { message, ...decision });
    const { recentEnds } = decision;
    if (decision.kind === "give-up") {
      this.#again = Promise.withResolvers();
      this.#set({ phase: "failed", recentEnds, message });
      this.#settled.resolve();
      await this.#again.promise;
      this.#settled = Promise.withResolvers();
    } else {
      this.#set({ phase: "restarting", recentEnds, message, nextStartAtMs: now() + decision.delayMs });
      await delay(decision.delayMs, undefined, { signal }).catch(() => undefined);
    }
    if (!signal.aborted) this.#set({ phase: "starting", recentEnds, message });
  }

  #isRunning(): void {
    this.#set({ ...this.#state, phase: "running" });
    this.#settled.resolve();
  }

  #set(state: HostState): void {
    const { nextStartAtMs, ...rest } = state;
    this.#state = state.phase === "restarting" && nextStartAtMs !== undefined ? { ...rest, nextStartAtMs } : rest;
    this.#options.onState(this.#state);
  }
}

async function once(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
