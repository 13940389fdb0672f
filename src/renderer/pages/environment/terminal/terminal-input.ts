const maxPieceBytes = 32 * 1024;
const retryMs = 500;

export interface TerminalInputOptions {
  /** Sends a piece; it is sent again with its number until that succeeds. */
  readonly send: (sequence: bigint, data: Uint8Array<ArrayBuffer>) => Promise<unknown>;
  /** Whether sending again could help. */
  readonly mayRetry: (error: unknown) => boolean;
  readonly pause: (durationMs: number) => Promise<void>;
}

/**
 * What a person types on its way to the terminal: in order, each key once, also over a connection that fails. A key
 * goes out at once; what is typed while one is under way goes together.
 */
export class TerminalInput {
  readonly #options: TerminalInputOptions;
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #sending = false;
  #sequence = 0n;

  constructor(options: TerminalInputOptions) {
    this.#options = options;
  }

  push(data: Uint8Array<ArrayBuffer>): void {
    for (let at = 0; at < data.length; at += maxPieceBytes) this.#waiting.push(data.slice(at, at + maxPieceBytes));
    if (!this.#sending) void this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    this.#sending = true;
    while (this.#waiting.length > 0) {
      const piece = this.#take();
      this.#sequence++;
      await this.#sendOne(this.#sequence, piece);
    }
    this.#sending = false;
  }

  /** As much of what waits as may go at once. */
  #take(): Uint8Array<ArrayBuffer> {
    let bytes = 0;
    const taken: Uint8Array[] = [];
    for (let first = this.#waiting[0]; first !== undefined && bytes + first.length <= maxPieceBytes; first = this.#waiting[0]) {
      bytes += first.length;
      taken.push(first);
      this.#waiting.shift();
    }
    const piece = new Uint8Array(bytes);
    let at = 0;
    for (const part of taken) {
      piece.set(part, at);
      at += part.length;
    }
    return piece;
  }

  async #sendOne(sequence: bigint, piece: Uint8Array<ArrayBuffer>): Promise<void> {
    for (;;) {
      try {
        await this.#options.send(sequence, piece);
        return;
      } catch (error) {
        if (!this.#options.mayRetry(error)) {
          this.#waiting = [];
          return;
        }
        await this.#options.pause(retryMs);
      }
    }
  }
}
