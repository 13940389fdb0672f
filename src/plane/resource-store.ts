import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { DatabaseSync, StatementSync } from "node:sqlite";

/** Rows of one kind of resource: a protobuf message by id, with a sealed value beside it where there is one. */
export class ResourceStore<Desc extends DescMessage> {
  readonly #database: DatabaseSync;
  readonly #kind: string;
  readonly #desc: Desc;
  readonly #put: StatementSync;
  readonly #get: StatementSync;
  readonly #list: StatementSync;
  readonly #delete: StatementSync;

  constructor(database: DatabaseSync, kind: string, desc: Desc) {
    this.#database = database;
    this.#kind = kind;
    this.#desc = desc;
    this.#put = database.prepare(
      "INSERT INTO resources (kind, id, data, sealed, created_at_ms) VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET data = excluded.data, sealed = coalesce(excluded.sealed, sealed)",
    );
    this.#get = database.prepare("SELECT data, sealed FROM resources WHERE kind = ? AND id = ?");
    this.#list = database.prepare("SELECT data FROM resources WHERE kind = ? ORDER BY id");
    this.#delete = database.prepare("DELETE FROM resources WHERE kind = ? AND id = ?");
  }

  put(id: string, message: MessageShape<Desc>, options: { readonly nowMs: number; readonly sealed?: Uint8Array }): void {
    this.#put.run(this.#kind, id, toBinary(this.#desc, message), options.sealed ?? null, options.nowMs);
  }

  /**
   * Like `put` for what can be observed again: safe when the process is killed, but not waited for until it is on the
   * disk, which would cost a flush for each change that is seen.
   */
  putObserved(id: string, message: MessageShape<Desc>, options: { readonly nowMs: number }): void {
    this.#database.exec("PRAGMA synchronous = NORMAL");
    try {
      this.put(id, message, options);
    } finally {
      this.#database.exec("PRAGMA synchronous = FULL");
    }
  }

  get(id: string): MessageShape<Desc> | undefined {
    const row = this.#get.get(this.#kind, id);
    return row === undefined ? undefined : this.#decode(row["data"]);
  }

  sealed(id: string): Uint8Array | undefined {
    const value = this.#get.get(this.#kind, id)?.["sealed"];
    return value instanceof Uint8Array ? value : undefined;
  }

  list(): MessageShape<Desc>[] {
    return this.#list.all(this.#kind).map((row) => this.#decode(row["data"]));
  }

  /** False when there was none. */
  delete(id: string): boolean {
    return this.#delete.run(this.#kind, id).changes > 0;
  }

  #decode(data: unknown): MessageShape<Desc> {
    if (!(data instanceof Uint8Array)) throw new Error(`a ${this.#kind} in the database is not readable`);
    return fromBinary(this.#desc, data);
  }
}
