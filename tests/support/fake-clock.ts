import type { Clock } from "../../src/lib/clock.ts";

const stepMs = 500;
/** So long, in real time, the network of this computer gets for what one step of the fake time sets going. */
const realStepMs = 4;
/** And so many turns of the event loop, should this process have to wait for others meanwhile. */
const turnsPerStep = 80;
/** What needs no time to pass but that of this computer is so by then. */
const realLimitMs = 20_000;

/** Time that passes when a test says so. */
export class FakeClock implements Clock {
  #nowMs = Date.UTC(2026, 0, 1);
  readonly #timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  /** How many callbacks wait for their time. */
  get waiting(): number {
    return this.#timers.size;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets time pass in small steps, each with room for what it sets going on this computer. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    while (this.#nowMs < endMs) {
      this.jump(Math.min(stepMs, endMs - this.#nowMs));
      await turns(realStepMs, turnsPerStep);
    }
  }

  /** Lets time pass at once. */
  jump(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= endMs).toSorted((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.callback();
    }
    this.#nowMs = endMs;
  }

  /** Waits for what needs no time to pass. */
  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    const endMs = performance.now() + realLimitMs;
    while (!(await condition())) {
      if (performance.now() > endMs) throw new Error("it was not so, and time does not help");
      await turns(1);
    }
  }

  /** Lets time pass until something is so; fails when it is not within the limit. Gives how long it took, in fake time. */
  async passUntil(condition: () => boolean | Promise<boolean>, limitMs: number): Promise<number> {
    const beganMs = this.#nowMs;
    for (;;) {
      await turns(realStepMs, turnsPerStep);
      if (await condition()) return this.#nowMs - beganMs;
      if (this.#nowMs - beganMs >= limitMs) throw new Error(`it was not so within ${limitMs} ms`);
      this.jump(stepMs);
    }
  }
}

/** Turns of the event loop, each of which looks at the network. */
async function turns(realMs: number, atLeast = 1): Promise<void> {
  const endMs = performance.now() + realMs;
  for (let turn = 0; turn < atLeast || performance.now() < endMs; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
