/** Who wants to know of changes of machines, and the looks at what nobody tells of, which go on while there is anybody. */
export class ChangeWatch {
  readonly #look: () => void;
  readonly #intervalMs: number;
  readonly #listeners = new Set<(id: string) => void>();
  #timer: NodeJS.Timeout | undefined;

  constructor(look: () => void, intervalMs: number) {
    this.#look = look;
    this.#intervalMs = intervalMs;
  }

  /** Gives what ends it. */
  onChange(listener: (id: string) => void): () => void {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(this.#look, this.#intervalMs).unref();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  announce(id: string): void {
    for (const listener of this.#listeners) listener(id);
  }
}
