import { create, toBinary } from "@bufbuild/protobuf";
import {
  type EnvironmentDetails,
  type Machine,
  MachineSchema,
  type WatchEnvironment,
  WatchEnvironmentSchema,
  type WatchResponse,
  WatchResponseSchema,
} from "../contract/gen/berth/v1/host_pb.js";
import { type Environment, EnvironmentSchema } from "../contract/gen/gitpod/v1/environment_pb.js";

/** Events a watcher may be behind; beyond that it gets a new snapshot in their place. */
const maxQueuedEvents = 256;
/** Events kept for watchers that come back and say where they were. */
const maxKeptEvents = 256;
/** Looks follow each other no faster, so that a storm of changes costs a few events and little work. */
const lookIntervalMs = 50;
/** Leaves room between the numbers of one host and those of the next. */
const sequencesPerMs = 1024n;

export interface WatchSource {
  /** A look that failed; what it would have seen is seen by the next. */
  failed(error: unknown): void;
  environments(): Promise<readonly Environment[]>;
  details(environment: Environment): EnvironmentDetails;
  /** The shared one first; without figures that change all the time. */
  machines(): Promise<readonly Machine[]>;
}

type Event = WatchResponse["event"];

interface Watcher {
  queue: WatchResponse[];
  /** It did not keep up, or has just come: the next it gets is a snapshot. */
  lost: boolean;
  wake: () => void;
}

/**
 * Tells watchers what changed. A change anywhere marks everything as to be looked at; one look compares all with
 * what was told last, so that many changes at once become one event each.
 */
export class WatchHub {
  readonly #source: WatchSource;
  readonly #environments = new Map<string, { readonly bytes: Uint8Array; readonly message: WatchEnvironment }>();
  readonly #machines = new Map<string, { readonly bytes: Uint8Array; readonly message: Machine }>();
  readonly #watchers = new Set<Watcher>();
  #kept: WatchResponse[] = [];
  #sequence: bigint;
  #dirty = false;
  #looking: Promise<void> | undefined;

  constructor(source: WatchSource, nowMs: number) {
    this.#source = source;
    this.#sequence = BigInt(nowMs) * sequencesPerMs;
  }

  /** Says that something may have changed. */
  touch(): void {
    this.#dirty = true;
    this.#looking ??= this.#look()
      .catch((error: unknown) => this.#source.failed(error))
      .finally(() => {
        this.#looking = undefined;
        if (this.#dirty) setTimeout(() => this.#dirty && this.touch(), lookIntervalMs).unref();
      });
  }

  /** A snapshot, unless `from` is known, and then every change until the signal aborts. */
  async *watch(from: bigint, signal: AbortSignal): AsyncGenerator<WatchResponse> {
    this.touch();
    await this.#looking;
    const missed = this.#since(from);
    const watcher: Watcher = { queue: missed ?? [], lost: missed === undefined, wake: () => undefined };
    this.#watchers.add(watcher);
    const end = (): void => watcher.wake();
    signal.addEventListener("abort", end);
    try {
      while (!signal.aborted) {
        if (watcher.lost) {
          watcher.lost = false;
          watcher.queue = [];
          yield this.#snapshot();
          continue;
        }
        const next = watcher.queue.shift();
        if (next !== undefined) yield next;
        else await new Promise<void>((resolve) => (watcher.wake = resolve));
      }
    } finally {
      this.#watchers.delete(watcher);
      signal.removeEventListener("abort", end);
    }
  }

  #since(from: bigint): WatchResponse[] | undefined {
    if (from === this.#sequence) return [];
    const at = this.#kept.findIndex((event) => event.sequence === from + 1n);
    return at === -1 ? undefined : this.#kept.slice(at);
  }

  #snapshot(): WatchResponse {
    const value = {
      environments: [...this.#environments.values()].map((e) => e.message),
      machines: [...this.#machines.values()].map((m) => m.message),
    };
    return create(WatchResponseSchema, { sequence: this.#sequence, event: { case: "snapshot", value } });
  }

  async #look(): Promise<void> {
    this.#dirty = false;
    const machines = await this.#source.machines();
    const environments = await this.#source.environments();
    this.#compareMachines(machines);
    for (const environment of environments) {
      const message = create(WatchEnvironmentSchema, {
        environment: toBinary(EnvironmentSchema, environment),
        details: this.#source.details(environment),
      });
      const bytes = toBinary(WatchEnvironmentSchema, message);
      const before = this.#environments.get(environment.id);
      if (before !== undefined && same(before.bytes, bytes)) continue;
      this.#environments.set(environment.id, { bytes, message });
      this.#publish({ case: "environment", value: message });
    }
    const ids = new Set(environments.map((e) => e.id));
    for (const id of this.#environments.keys()) {
      if (ids.has(id)) continue;
      this.#environments.delete(id);
      this.#publish({ case: "removedEnvironmentId", value: id });
    }
  }

  #compareMachines(machines: readonly Machine[]): void {
    for (const message of machines) {
      const bytes = toBinary(MachineSchema, message);
      const before = this.#machines.get(message.id);
      if (before !== undefined && same(before.bytes, bytes)) continue;
      this.#machines.set(message.id, { bytes, message });
      this.#publish({ case: "machine", value: message });
    }
    const ids = new Set(machines.map(({ id }) => id));
    for (const id of this.#machines.keys()) {
      if (ids.has(id)) continue;
      this.#machines.delete(id);
      this.#publish({ case: "removedMachineId", value: id });
    }
  }

  #publish(event: Event): void {
    this.#sequence += 1n;
    const message = create(WatchResponseSchema, { sequence: this.#sequence, event });
    this.#kept = [...this.#kept.slice(1 - maxKeptEvents), message];
    for (const watcher of this.#watchers) {
      if (watcher.queue.length >= maxQueuedEvents) {
        watcher.lost = true;
        watcher.queue = [];
      }
      if (!watcher.lost) watcher.queue.push(message);
      watcher.wake();
    }
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
