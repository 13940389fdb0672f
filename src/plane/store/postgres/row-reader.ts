import type { Row, RowKey } from "../backend.ts";

/** How many keys one statement asks for. */
const maxKeys = 200;

interface Waiting {
  readonly key: RowKey;
  readonly resolve: (row: Row | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Reads rows by their keys. What is asked for in one turn of the event loop goes in one statement: a call that reads three
 * records waits once, and under load calls share their ways to the server.
 */
export class RowReader {
  readonly #read: (keys: readonly RowKey[]) => Promise<readonly Row[]>;
  #waiting: Waiting[] = [];

  /** @param read Gives the rows that are there, each with its key's place in the list as `n`, counted from 1. */
  constructor(read: (keys: readonly RowKey[]) => Promise<readonly Row[]>) {
    this.#read = read;
  }

  async row(key: RowKey): Promise<Row | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ key, resolve, reject }) === 1) setImmediate(() => this.#sendAll());
    });
  }

  #sendAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let from = 0; from < waiting.length; from += maxKeys) void this.#send(waiting.slice(from, from + maxKeys));
  }

  async #send(waiting: readonly Waiting[]): Promise<void> {
    try {
      const rows = new Map((await this.#read(waiting.map(({ key }) => key))).map((row) => [Number(row["n"]), row]));
      for (const [index, { resolve }] of waiting.entries()) resolve(rows.get(index + 1));
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }
}
