import type { Client } from "pg";
import { type Log, messageOf } from "../../../lib/log.ts";

export const notificationChannel = "berth_events";

/** A notification takes a lock of the whole server when it is committed, so there are few of them. */
const minIntervalMs = 20;
const reconnectMs = 1000;

/**
 * Tells other processes that there is something in the outbox, and hears it from them. Only a hint: it is sent outside
 * of the transactions that it is about, and may be lost.
 */
export class Wakeups {
  readonly #newListener: () => Client;
  readonly #notify: () => Promise<void>;
  readonly #onWake: () => void;
  readonly #log: Log;
  #listener: Client | undefined;
  #reconnect: NodeJS.Timeout | undefined;
  #tellTimer: NodeJS.Timeout | undefined;
  #lastToldAtMs = -Infinity;
  #isStopped = false;

  constructor(options: {
    readonly newListener: () => Client;
    readonly notify: () => Promise<void>;
    readonly onWake: () => void;
    readonly log: Log;
  }) {
    this.#newListener = options.newListener;
    this.#notify = options.notify;
    this.#onWake = options.onWake;
    this.#log = options.log;
  }

  /** Listens from soon on, again whenever the connection breaks. */
  start(): void {
    if (this.#isStopped) return;
    const listener = this.#newListener();
    this.#listener = listener;
    const lost = (reason: string): void => {
      if (this.#isStopped || this.#listener !== listener) return;
      this.#listener = undefined;
      this.#log.warn("notifications of the database are not heard; the outbox is polled", { reason });
      void listener.end().catch(() => undefined);
      this.#reconnect = setTimeout(() => this.start(), reconnectMs);
    };
    listener.on("error", (error) => lost(messageOf(error)));
    listener.on("end", () => lost("the connection ended"));
    listener.on("notification", () => this.#onWake());
    const listen = async (): Promise<void> => {
      await listener.connect();
      await listener.query(`LISTEN ${notificationChannel}`);
      this.#onWake();
    };
    void listen().catch((error: unknown) => lost(messageOf(error)));
  }

  /** Soon tells all processes, once for many changes. */
  tell(): void {
    if (this.#tellTimer !== undefined || this.#isStopped) return;
    const waitMs = Math.max(0, this.#lastToldAtMs + minIntervalMs - performance.now());
    this.#tellTimer = setTimeout(() => {
      this.#tellTimer = undefined;
      this.#lastToldAtMs = performance.now();
      void this.#notify().catch((error: unknown) => this.#log.warn("no notification was sent", { reason: messageOf(error) }));
    }, waitMs);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#reconnect);
    if (this.#tellTimer !== undefined) {
      clearTimeout(this.#tellTimer);
      // What was committed last is told, too.
      await this.#notify().catch(() => undefined);
    }
    await this.#listener?.end().catch(() => undefined);
  }
}
