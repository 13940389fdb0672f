import { equals } from "@bufbuild/protobuf";
import { type EnvironmentStatus, EnvironmentStatusSchema } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { BerthError } from "../../contract/berth-error.ts";
import { type Clock, pause } from "../../lib/clock.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import type { Backoff } from "./backoff.ts";
import { lateArrivalMs } from "./limits.ts";

/** Sends one status. Fails with `plane-unreachable` when it may be tried again; what else it fails with is final. */
export type SendStatus = (environmentId: string, status: EnvironmentStatus, signal: AbortSignal) => Promise<void>;

/** Statuses on their way to the plane: the newest of each environment, until the plane has it. */
export class StatusOutbox {
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #log: Log;
  readonly #waiting = new Map<string, EnvironmentStatus>();
  readonly #sent = new Map<string, EnvironmentStatus>();
  #sending: string | undefined;
  #lostCallAtMs = -Infinity;
  #onWork = Promise.withResolvers<void>();
  #retryNow = new AbortController();

  constructor(options: { readonly clock: Clock; readonly backoff: Backoff; readonly log: Log }) {
    this.#clock = options.clock;
    this.#backoff = options.backoff;
    this.#log = options.log;
  }

  /** Takes the place of an older status that still waits. */
  put(environmentId: string, status: EnvironmentStatus): void {
    const isWaiting = this.#waiting.has(environmentId) || this.#sending === environmentId;
    const sent = this.#sent.get(environmentId);
    if (!isWaiting && sent !== undefined && equals(EnvironmentStatusSchema, sent, status)) return;
    this.#waiting.set(environmentId, status);
    this.#onWork.resolve();
  }

  /** Whether the plane does not have an environment's newest status yet. */
  isPending(environmentId: string): boolean {
    return this.#waiting.has(environmentId) || this.#sending === environmentId;
  }

  /** How many environments the plane does not have the newest status of. */
  get pendingCount(): number {
    return new Set([...this.#waiting.keys(), ...(this.#sending === undefined ? [] : [this.#sending])]).size;
  }

  /** An environment is gone; nothing of it is sent any more. */
  forget(environmentId: string): void {
    this.#waiting.delete(environmentId);
    this.#sent.delete(environmentId);
    if (this.#sending === environmentId) this.#sending = undefined;
  }

  /** The plane is back: what waits is tried at once, and what it had is sent again, in case it lost the end. */
  connected(): void {
    this.#sendAgain();
    this.#retryNow.abort();
  }

  /** A call that was lost may arrive late and undo a newer one; for some time, all is sent again now and then. */
  resynced(): void {
    if (this.#clock.nowMs() - this.#lostCallAtMs < lateArrivalMs) this.#sendAgain();
  }

  /** Sends until the signal aborts. */
  async run(send: SendStatus, signal: AbortSignal): Promise<void> {
    const stop = (): void => this.#onWork.resolve();
    signal.addEventListener("abort", stop);
    while (!signal.aborted) {
      const [next] = this.#waiting;
      if (next === undefined) {
        this.#onWork = Promise.withResolvers<void>();
        await this.#onWork.promise;
      } else if (!(await this.#sendOne(send, ...next, signal))) {
        this.#retryNow = new AbortController();
        await pause(this.#clock, this.#backoff.next(), AbortSignal.any([signal, this.#retryNow.signal]));
      }
    }
    signal.removeEventListener("abort", stop);
  }

  /** False when it has to be tried again, after others. */
  async #sendOne(send: SendStatus, environmentId: string, status: EnvironmentStatus, signal: AbortSignal): Promise<boolean> {
    this.#waiting.delete(environmentId);
    this.#sending = environmentId;
    try {
      await send(environmentId, status, signal);
      // Not of an environment that is gone since.
      if (this.#sending === environmentId) this.#sent.set(environmentId, status);
      this.#backoff.reset();
      return true;
    } catch (error) {
      if (error instanceof BerthError && error.code !== "plane-unreachable") {
        this.#log.warn("a status was refused", { environmentId, reason: messageOf(error) });
        return true;
      }
      this.#lostCallAtMs = this.#clock.nowMs();
      if (this.#sending === environmentId && !this.#waiting.has(environmentId)) this.#waiting.set(environmentId, status);
      return false;
    } finally {
      this.#sending = undefined;
    }
  }

  #sendAgain(): void {
    for (const [environmentId, status] of this.#sent) if (!this.isPending(environmentId)) this.#waiting.set(environmentId, status);
    this.#onWork.resolve();
  }
}
