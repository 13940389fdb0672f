import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { Clock } from "../../lib/clock.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { childMessageSchema, type SupervisorMessage } from "./supervisor-channel.ts";
import type { ChildView } from "./update-plan.ts";

/** Ending takes as long as answers that are on their way. */
const endTimeoutMs = 30_000;
const pingIntervalMs = 15_000;
/** A process that says nothing for so long hangs, and is ended. */
const silenceLimitMs = 60_000;

export interface RunnerChildOptions {
  readonly version: string;
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly log: Log;
  /** It works only when it is connected to its plane. */
  readonly needsLink: boolean;
  /** How long after its end it is to be started again. */
  readonly restartMs: number;
  readonly onChange: () => void;
  readonly onUpdateNow: () => void;
  readonly onEndedByCall: () => void;
}

/** The runner's process of one version. */
export class RunnerChild {
  readonly #options: RunnerChildOptions;
  readonly #process: ChildProcess;
  readonly #startedAtMs: number;
  readonly #ended = Promise.withResolvers<void>();
  #isReady = false;
  #isLinked = false;
  #healthySinceMs: number | undefined;
  #end: ChildView["ended"];
  #heardAtMs: number;
  #cancelPing: () => void = () => undefined;

  constructor(options: RunnerChildOptions) {
    const { folder, env, clock, log } = options;
    this.#options = options;
    this.#startedAtMs = clock.nowMs();
    this.#heardAtMs = this.#startedAtMs;
    this.#process = spawn(join(folder, "node"), [join(folder, "app", "runner.mjs"), "run"], {
      env,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#process.on("message", (message) => this.#hear(message));
    this.#process.once("error", (error) => this.#noteEnd(`it did not start: ${messageOf(error)}`));
    this.#process.once("exit", (code, signal) =>
      this.#noteEnd(signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`),
    );
    // The channel may break while it ends.
    this.#process.on("error", (error) => log.info("the runner's process", { reason: messageOf(error) }));
    this.#ping();
  }

  get view(): ChildView {
    const { version } = this.#options;
    return { version, startedAtMs: this.#startedAtMs, healthySinceMs: this.#healthySinceMs, ended: this.#end };
  }

  get isLinked(): boolean {
    return this.#isLinked;
  }

  tell(message: SupervisorMessage): void {
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }

  /** Ends it; the machines run on. One that does not end in time is killed. */
  async end(): Promise<void> {
    if (this.#end !== undefined) return;
    this.#process.kill("SIGTERM");
    const cancel = this.#options.clock.after(endTimeoutMs, () => this.#process.kill("SIGKILL"));
    await this.#ended.promise;
    cancel();
  }

  #hear(message: unknown): void {
    const { clock, onUpdateNow, onEndedByCall, onChange } = this.#options;
    const told = childMessageSchema.safeParse(message).data;
    this.#heardAtMs = clock.nowMs();
    if (told?.kind === "ready") this.#isReady = true;
    else if (told?.kind === "link") this.#isLinked = told.isConnected;
    else if (told?.kind === "update-now") onUpdateNow();
    else if (told?.kind === "ended-by-call") onEndedByCall();
    const isHealthy = this.#isReady && (this.#isLinked || !this.#options.needsLink);
    if (!isHealthy) this.#healthySinceMs = undefined;
    else this.#healthySinceMs ??= clock.nowMs();
    onChange();
  }

  #noteEnd(reason: string): void {
    if (this.#end !== undefined) return;
    const { clock, log, restartMs, onChange, version } = this.#options;
    this.#cancelPing();
    this.#end = { reason, restartAtMs: clock.nowMs() + restartMs };
    this.#ended.resolve();
    log.info("the runner's process has ended", { version, reason });
    onChange();
  }

  #ping(): void {
    const { clock, log } = this.#options;
    this.#cancelPing = clock.after(pingIntervalMs, () => {
      if (clock.nowMs() - this.#heardAtMs >= silenceLimitMs) {
        log.error("the runner's process says nothing any more and is ended");
        this.#process.kill("SIGKILL");
      }
      this.tell({ kind: "are-you-alive" });
      this.#ping();
    });
  }
}
