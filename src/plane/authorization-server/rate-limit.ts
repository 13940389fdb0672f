/** More names than this are not told apart: the oldest are forgotten. */
const maxNames = 10_000;

/** So many tries for each name in a window of time; kept by one process, so several allow that many times more. */
export class RateLimit {
  readonly #tries: number;
  readonly #windowMs: number;
  readonly #now: () => number;
  readonly #windows = new Map<string, { readonly endsAtMs: number; left: number }>();

  constructor(tries: number, windowMs: number, now: () => number) {
    this.#tries = tries;
    this.#windowMs = windowMs;
    this.#now = now;
  }

  /** Takes one try; false when there is none left. */
  take(name: string): boolean {
    const nowMs = this.#now();
    const window = this.#windows.get(name);
    if (window !== undefined && nowMs < window.endsAtMs) return window.left-- > 0;
    this.#windows.delete(name);
    const [oldest] = this.#windows.keys();
    if (oldest !== undefined && this.#windows.size >= maxNames) this.#windows.delete(oldest);
    this.#windows.set(name, { endsAtMs: nowMs + this.#windowMs, left: this.#tries - 1 });
    return true;
  }
}
