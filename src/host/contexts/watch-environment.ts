import { equals } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import { planeCallFailure } from "../../bridge/plane-transport.ts";
import { Backoff } from "../../bridge/runner/backoff.ts";
import { type RemoteEnvironmentDetails, RemoteEnvironmentDetailsSchema } from "../../contract/gen/berth/v1/context_pb.js";
import type { EventService } from "../../contract/gen/gitpod/v1/event_pb.js";
import { type ChangeSignal, changeSignal } from "../../lib/change-signal.ts";
import { pause, systemClock } from "../../lib/clock.ts";
import type { CallPlane } from "./remote-environments.ts";

/** An event that got lost on the way, or came before the plane listened, is made up for after so long. */
const lookAgainMs = 15_000;
/** Where a plane tells no events. */
const pollMs = 2000;
const firstRetryMs = 1000;
const maxRetryMs = 30_000;
/** Streams have no time of their own to end. */
const noTimeout = 0;

export type Seen =
  | { readonly kind: "details"; readonly details: RemoteEnvironmentDetails }
  | { readonly kind: "gone" }
  | { readonly kind: "offline"; readonly detail: string };

export interface WatchOptions {
  readonly environmentId: string;
  readonly events: Client<typeof EventService>;
  readonly call: CallPlane;
  /** Undefined when there is none any more. */
  readonly look: (signal: AbortSignal) => Promise<RemoteEnvironmentDetails | undefined>;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** How an environment is now and whenever that changes, until it is gone. The plane's events say when to look. */
export async function* watchEnvironment(options: WatchOptions, signal: AbortSignal): AsyncGenerator<Seen> {
  const ended = new AbortController();
  const watching = AbortSignal.any([signal, ended.signal]);
  const ear = new Ear(options, watching);
  const backoff = new Backoff({ firstMs: firstRetryMs, maxMs: maxRetryMs, random: options.random });
  let last: RemoteEnvironmentDetails | undefined;
  let isAway = false;
  try {
    while (!signal.aborted) {
      try {
        const details = await options.look(watching);
        if (details === undefined) return yield { kind: "gone" };
        if (isAway || last === undefined || !equals(RemoteEnvironmentDetailsSchema, last, details)) yield { kind: "details", details };
        last = details;
        isAway = false;
        backoff.reset();
        await ear.nextOr(ear.hearsNothing ? pollMs : lookAgainMs);
      } catch (error) {
        if (signal.aborted) return;
        const failure = planeCallFailure(error);
        if (failure.code !== "plane-unreachable") throw failure;
        if (!isAway) yield { kind: "offline", detail: failure.detail };
        isAway = true;
        await pause(systemClock, backoff.next(), watching);
      }
    }
  } finally {
    ended.abort();
  }
}

/** Hears the plane's events of one environment; a stream that ends is begun again. */
class Ear {
  readonly #options: WatchOptions;
  readonly #signal: AbortSignal;
  readonly #heard: ChangeSignal;
  #tell = (): void => undefined;
  #hearsNothing = false;

  constructor(options: WatchOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#heard = changeSignal((listener) => {
      this.#tell = listener;
      return () => undefined;
    }, signal);
    void this.#listen();
  }

  /** The plane has no events. */
  get hearsNothing(): boolean {
    return this.#hearsNothing;
  }

  /** Returns at the next event since it returned last, or after a while. */
  async nextOr(delayMs: number): Promise<void> {
    const cancel = systemClock.after(delayMs, () => this.#tell());
    await this.#heard.next();
    cancel();
  }

  async #listen(): Promise<void> {
    const { events, call, environmentId, random } = this.#options;
    const backoff = new Backoff({ firstMs: firstRetryMs, maxMs: maxRetryMs, random });
    while (!this.#signal.aborted) {
      try {
        await call(async (options) => {
          const request = { scope: { case: "environmentId", value: environmentId } } as const;
          for await (const _event of events.watchEvents(request, { ...options, timeoutMs: noTimeout })) {
            backoff.reset();
            this.#tell();
          }
        }, this.#signal);
      } catch (error) {
        this.#hearsNothing = ConnectError.from(error).code === Code.Unimplemented;
        if (this.#hearsNothing) return this.#tell();
      }
      await pause(systemClock, backoff.next(), this.#signal);
      // Something may have happened while nobody listened.
      this.#tell();
    }
  }
}
