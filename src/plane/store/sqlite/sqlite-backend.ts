import { type CompiledQuery, SqliteAdapter, SqliteQueryCompiler } from "kysely";
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { BerthError } from "../../../contract/berth-error.ts";
import { type Log, messageOf } from "../../../lib/log.ts";
import type { Backend, Change, Row, RowKey } from "../backend.ts";
import { eventsAfterQuery, eventsPositionQuery, pruneEventsQuery } from "../event-queries.ts";
import { type AccessQuestion, commitSteps, getQuery } from "../queries.ts";
import { eventOf } from "../rows.ts";
import type { StoreEvent, StoreEvents } from "../store.ts";
import { queryBuilder } from "../tables.ts";
import { accessQuery } from "./access-query.ts";

/** Statements that are kept ready; beyond this many different ones all are let go. */
const maxStatements = 200;
/** Each kind of a failure has that of its family in the low byte (https://sqlite.org/rescode.html). */
const primaryCodeMask = 0xff;
const constraintErrorCode = 19;
/** What keeps SQLite from writing, and is not the request's fault. */
const troubles: Readonly<Record<number, string>> = {
  5: "another process writes to it for long",
  8: "its file may not be written",
  10: "its disk failed",
  13: "its disk is full",
  14: "its file cannot be opened",
};
/** How long the outbox keeps what everybody here has been told of already. */
const eventRetentionMs = 60 * 60_000;
const pruneEveryCommits = 1000;

/** Tables in SQLite, used by one process. Nothing is awaited within a commit, so commits never mix. */
export class SqliteBackend implements Backend {
  readonly build = queryBuilder({ compiler: () => new SqliteQueryCompiler(), adapter: () => new SqliteAdapter() });
  readonly #database: DatabaseSync;
  readonly #log: Log;
  readonly #statements = new Map<string, StatementSync>();
  readonly #listeners = new Set<(event: StoreEvent) => void>();
  #commits = 0;

  constructor(database: DatabaseSync, log: Log) {
    this.#database = database;
    this.#log = log;
  }

  readonly events: StoreEvents = {
    subscribe: (listener) => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    },
    position: async () => String(Number(this.#run(eventsPositionQuery(this.build))[0]?.["position"] ?? 0)),
    after: async (position, limit) => this.#run(eventsAfterQuery(this.build, Number(position), limit)).map(eventOf),
  };

  async rows(query: CompiledQuery): Promise<readonly Row[]> {
    try {
      return this.#run(query);
    } catch (error) {
      throw this.#translated(error);
    }
  }

  async access(question: AccessQuestion): Promise<readonly Row[]> {
    return this.rows(accessQuery(this.build, question));
  }

  async row(key: RowKey): Promise<Row | undefined> {
    const [row] = await this.rows(getQuery(this.build, key));
    return row;
  }

  async commit(changes: readonly Change[], { isObserved, nowMs }: { readonly isObserved: boolean; readonly nowMs: number }): Promise<void> {
    if (isObserved) this.#database.exec("PRAGMA synchronous = NORMAL");
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      for (const { query, check } of commitSteps(this.build, changes, { nowMs, lock: false })) check(this.#run(query));
      if (this.#commits++ % pruneEveryCommits === 0) this.#run(pruneEventsQuery(this.build, nowMs - eventRetentionMs));
      this.#database.exec("COMMIT");
    } catch (error) {
      // Some failures have done it already.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw this.#translated(error);
    } finally {
      if (isObserved) this.#database.exec("PRAGMA synchronous = FULL");
    }
    this.#announce(changes);
  }

  async ping(): Promise<void> {
    this.#database.exec("SELECT 1");
  }

  async close(): Promise<void> {
    this.#statements.clear();
    this.#database.close();
  }

  #announce(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.does === "compare" || change.announcement === undefined) continue;
      const event = { ...change.announcement, kind: change.kind, id: change.id };
      for (const listener of this.#listeners) this.#tell(listener, event);
    }
  }

  /** The change is committed, whatever a listener makes of it. */
  #tell(listener: (event: StoreEvent) => void, event: StoreEvent): void {
    try {
      listener(event);
    } catch (error) {
      this.#log.error("an event was not taken", { reason: messageOf(error) });
    }
  }

  #translated(error: unknown): unknown {
    if (!(error instanceof Error) || !("errcode" in error)) return error;
    const code = Number(error.errcode) & primaryCodeMask;
    if (code === constraintErrorCode) return new BerthError("resource-exists", "a key of it is taken", { cause: error });
    const reason = troubles[code];
    if (reason === undefined) return error;
    this.#log.error("the database failed", { reason: messageOf(error), code: error.errcode });
    return new BerthError("store-unavailable", reason, { cause: error });
  }

  #run({ sql, parameters }: CompiledQuery): Row[] {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      if (this.#statements.size >= maxStatements) this.#statements.clear();
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement.all(...parameters.map(inputValue));
  }
}

function inputValue(value: unknown): SQLInputValue {
  if (value === null || typeof value === "number" || typeof value === "string" || value instanceof Uint8Array) return value;
  throw new Error(`SQLite takes no ${typeof value}`);
}
