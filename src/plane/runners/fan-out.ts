import { type Log, messageOf, silentLog } from "../../lib/log.ts";

/**
 * Carries messages between the server processes of one installation. Each is delivered to all that listen to its topic,
 * the sender's own listeners among them, at most once; a message that gets lost costs a call its answer or delays a hint.
 */
export interface FanOut {
  publish(topic: string, message: Uint8Array): Promise<void>;
  subscribe(topic: string, listener: (message: Uint8Array) => void): () => void;
}

/** For an installation of one process, and for several in one. */
export class InMemoryFanOut implements FanOut {
  readonly #listeners = new Map<string, Set<(message: Uint8Array) => void>>();
  readonly #log: Log;

  constructor(log: Log = silentLog) {
    this.#log = log;
  }

  async publish(topic: string, message: Uint8Array): Promise<void> {
    // As between processes, nobody is told before the publisher goes on.
    setImmediate(() => {
      for (const listener of this.#listeners.get(topic) ?? []) this.#tell(listener, message);
    });
  }

  #tell(listener: (message: Uint8Array) => void, message: Uint8Array): void {
    try {
      listener(message);
    } catch (error) {
      this.#log.error("a message was not taken", { reason: messageOf(error) });
    }
  }

  subscribe(topic: string, listener: (message: Uint8Array) => void): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(topic) === listeners) this.#listeners.delete(topic);
    };
  }
}
