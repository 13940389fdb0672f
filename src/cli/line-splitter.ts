/** Makes lines of bytes that come in any pieces; a character may be cut in two. */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  #rest = "";

  /** The lines that are whole by now. */
  push(data: Uint8Array): string[] {
    const lines = (this.#rest + this.#decoder.decode(data, { stream: true })).split(/\r?\n/);
    this.#rest = lines.pop() ?? "";
    return lines;
  }

  /** The last line, when it has no end. */
  end(): string[] {
    const last = this.#rest + this.#decoder.decode();
    return last === "" ? [] : [last];
  }
}
