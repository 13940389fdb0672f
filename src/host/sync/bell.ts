import { setTimeout as delay } from "node:timers/promises";

/** Editors save a file in several steps, and programs write many files one after the other. */
const quietMs = 150;
/** Whoever never pauses is heard all the same. */
const maxBurstMs = 1000;

/** Rung by whatever happens; heard once when it has been quiet for a moment. */
export class Bell {
  #isRung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  /** Rejects when the signal aborts. */
  async heard(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#wake?.();
    signal.addEventListener("abort", onAbort, { once: true });
    while (!this.#isRung && !signal.aborted) await new Promise<void>((resolve) => (this.#wake = resolve));
    signal.removeEventListener("abort", onAbort);
    const beganAtMs = performance.now();
    do {
      this.#isRung = false;
      await delay(quietMs, undefined, { signal });
    } while (this.#isRung && performance.now() - beganAtMs < maxBurstMs);
    this.#isRung = false;
  }
}
