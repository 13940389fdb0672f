/** A machine that ends this often within the window is not started again by itself. */
const maxCrashes = 3;
const crashWindowMs = 10 * 60_000;

/** Tells a machine that crashed from one that crashes again and again. */
export class CrashCount {
  readonly #now: () => number;
  #atMs: number[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  clear(): void {
    this.#atMs = [];
  }

  /** The failure to tell, once it crashed too often. */
  note(): string | undefined {
    const now = this.#now();
    this.#atMs = [...this.#atMs.filter((at) => now - at < crashWindowMs), now];
    if (this.#atMs.length < maxCrashes) return undefined;
    return `machine-crashed: it ended ${this.#atMs.length} times within ${crashWindowMs / 60_000} minutes`;
  }
}
