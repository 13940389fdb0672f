import { BerthError } from "../../contract/berth-error.ts";

/** Counts the work that is under way, so that what it uses is not closed under its feet. */
export class OpenWork {
  readonly #running = new Set<Promise<unknown>>();
  #isClosed = false;

  /** Fails with `store-unavailable` once it is closed. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new BerthError("store-unavailable", "it is closed");
    const running = work();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Takes nothing new, and waits for what is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#running);
  }
}
