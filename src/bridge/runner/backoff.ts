/** How long to wait between tries: twice as long each time, and never the same as others who lost the same server. */
export class Backoff {
  readonly #firstMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #tries = 0;

  /** @param options.random From 0 to 1. */
  constructor(options: { readonly firstMs: number; readonly maxMs: number; readonly random: () => number }) {
    this.#firstMs = options.firstMs;
    this.#maxMs = options.maxMs;
    this.#random = options.random;
  }

  /** Between half of the time and the whole. */
  next(): number {
    const wholeMs = Math.min(this.#maxMs, this.#firstMs * 2 ** this.#tries);
    this.#tries = Math.min(this.#tries + 1, 30);
    return wholeMs * (0.5 + this.#random() / 2);
  }

  reset(): void {
    this.#tries = 0;
  }
}
