/** Lines beyond this are dropped from the front; the download has what the window has. */
const maxLines = 100_000;

/** A log as lines, put together from pieces that end anywhere, in the middle of a character too. */
export class LogText {
  readonly #decoder = new TextDecoder();
  #lines: string[] = [];
  #rest = "";
  #droppedLines = 0;

  push(data: Uint8Array): void {
    const parts = (this.#rest + this.#decoder.decode(data, { stream: true })).split("\n");
    this.#rest = parts.pop() ?? "";
    for (const part of parts) this.#lines.push(part);
    if (this.#lines.length <= maxLines) return;
    const excess = this.#lines.length - maxLines;
    this.#lines = this.#lines.slice(excess);
    this.#droppedLines += excess;
  }

  /** All lines, the unfinished last one too. */
  lines(): readonly string[] {
    return this.#rest === "" ? [...this.#lines] : [...this.#lines, this.#rest];
  }

  get droppedLines(): number {
    return this.#droppedLines;
  }
}
