/** A bounded queue between a producer that waits when it is full and one consumer. */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #limit: number;
  readonly #items: T[] = [];
  #ended = false;
  #onItem: (() => void) | undefined;
  #onRoom: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Resolves when there was room; at once and without effect after the end. */
  async push(item: T): Promise<void> {
    while (!this.#ended && this.#items.length >= this.#limit) await new Promise<void>((resolve) => this.#onRoom.push(resolve));
    if (this.#ended) return;
    this.#items.push(item);
    this.#wake();
  }

  /** What is queued is still delivered. */
  end(): void {
    this.#ended = true;
    this.#wake();
    this.#release();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    try {
      for (;;) {
        const item = this.#items.shift();
        if (item !== undefined) {
          this.#release();
          yield item;
        } else if (this.#ended) return;
        else await new Promise<void>((resolve) => (this.#onItem = resolve));
      }
    } finally {
      this.end();
    }
  }

  #wake(): void {
    const wake = this.#onItem;
    this.#onItem = undefined;
    wake?.();
  }

  #release(): void {
    const waiting = this.#onRoom;
    this.#onRoom = [];
    for (const resolve of waiting) resolve();
  }
}
