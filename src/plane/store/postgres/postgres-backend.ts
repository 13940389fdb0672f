import { type CompiledQuery, PostgresAdapter, PostgresQueryCompiler } from "kysely";
import { type Client, DatabaseError, type Pool, type PoolClient } from "pg";
import { BerthError } from "../../../contract/berth-error.ts";
import { type Log, messageOf } from "../../../lib/log.ts";
import { type Backend, type Change, type Row, type RowKey, StaleRead } from "../backend.ts";
import { type AccessQuestion, type CommitStep, commitSteps } from "../queries.ts";
import { queryBuilder } from "../tables.ts";
import { singleChangeQuery } from "./single-change.ts";
import { accessQuery } from "./access-query.ts";
import { EventFeed } from "./event-feed.ts";
import { RowReader } from "./row-reader.ts";
import { rowsQuery } from "./rows-query.ts";
import { StatementNames } from "./statement-names.ts";
import { notificationChannel, Wakeups } from "./wakeups.ts";

const pruneIntervalMs = 10 * 60_000;

/** https://www.postgresql.org/docs/15/errcodes-appendix.html */
const uniqueViolation = "23505";
/** deadlock_detected and serialization_failure: another commit was in the way, and this one may be tried again. */
const inTheWay = ["40P01", "40001"];
/** program_limit_exceeded, e.g. a key that is too long for an index. */
const limitExceeded = /^54/;
/** Those that say that the request is wrong; all others of a server are its own trouble. */
const ourMistakes = /^(?:22|23|42)/;

/** Tables in PostgreSQL, used by any number of processes. */
export class PostgresBackend implements Backend {
  readonly build = queryBuilder({ compiler: () => new PostgresQueryCompiler(), adapter: () => new PostgresAdapter() });
  readonly events: EventFeed;
  readonly #pool: Pool;
  readonly #names = new StatementNames();
  readonly #reader = new RowReader(async (keys) => this.rows(rowsQuery(keys)));
  readonly #log: Log;
  readonly #wakeups: Wakeups;
  readonly #pruning: NodeJS.Timeout;
  #closing: Promise<void> | undefined;

  constructor(options: { readonly pool: Pool; readonly newListener: () => Client; readonly log: Log; readonly now: () => number }) {
    const { pool, newListener, log, now } = options;
    this.#pool = pool;
    this.#log = log;
    // A connection that breaks while nobody uses it is replaced by the pool.
    pool.on("error", (error) => log.warn("a connection to the database ended", { reason: messageOf(error) }));
    this.events = new EventFeed({ build: this.build, rows: async (query) => this.rows(query), log, now });
    this.#wakeups = new Wakeups({
      newListener,
      notify: async () => void (await pool.query(`NOTIFY ${notificationChannel}`)),
      onWake: () => this.events.wake(),
      log,
    });
    this.#pruning = setInterval(() => {
      void this.events.prune().catch((error: unknown) => log.warn("the outbox was not pruned", { reason: messageOf(error) }));
    }, pruneIntervalMs);
    this.#pruning.unref();
  }

  /** Begins to tell of events. */
  async start(): Promise<void> {
    this.#wakeups.start();
    await this.events.start();
  }

  async rows(query: CompiledQuery): Promise<readonly Row[]> {
    try {
      return await this.#run(this.#pool, query);
    } catch (error) {
      throw this.#translated(error);
    }
  }

  async access(question: AccessQuestion): Promise<readonly Row[]> {
    return this.rows(accessQuery(question));
  }

  async row(key: RowKey): Promise<Row | undefined> {
    return this.#reader.row(key);
  }

  async commit(changes: readonly Change[], { isObserved, nowMs }: { readonly isObserved: boolean; readonly nowMs: number }): Promise<void> {
    const [first] = changes;
    if (changes.length === 1 && first !== undefined && first.does !== "compare") {
      const changed = await this.rows(singleChangeQuery(this.build, first, { isObserved, nowMs }));
      if (changed.length !== 1) throw new StaleRead(`${first.kind}/${first.id}`);
    } else await this.#commitSeveral(changes, { isObserved, nowMs });
    if (changes.some((change) => change.does !== "compare" && change.announcement !== undefined)) {
      this.events.wake();
      this.#wakeups.tell();
    }
  }

  async #commitSeveral(
    changes: readonly Change[],
    { isObserved, nowMs }: { readonly isObserved: boolean; readonly nowMs: number },
  ): Promise<void> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw this.#translated(error);
    });
    let broken = false;
    try {
      const begin = isObserved ? "BEGIN; SET LOCAL synchronous_commit = off" : "BEGIN";
      await this.#runAll(client, begin, commitSteps(this.build, changes, { nowMs, lock: true }));
      await client.query("COMMIT");
    } catch (error) {
      broken = await client.query("ROLLBACK").then(
        () => false,
        () => true,
      );
      throw this.#translated(error);
    } finally {
      client.release(broken);
    }
  }

  async ping(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => aborted.reject(new BerthError("store-unavailable", "the database did not answer in time"));
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await Promise.race([this.#pool.query("SELECT 1"), aborted.promise]);
    } catch (error) {
      throw this.#translated(error);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #run(client: Pool | PoolClient, { sql: text, parameters }: CompiledQuery): Promise<Row[]> {
    const name = this.#names.of(text);
    const result = await client.query<Row>({ ...(name === undefined ? {} : { name }), text, values: parameters.map(parameterOf) });
    return result.rows;
  }

  #translated(error: unknown): unknown {
    if (error instanceof StaleRead || error instanceof BerthError) return error;
    const code = error instanceof DatabaseError ? (error.code ?? "") : "";
    if (code === uniqueViolation) return new BerthError("resource-exists", "a key of it is taken", { cause: error });
    if (inTheWay.includes(code)) return new StaleRead(messageOf(error), { cause: error });
    if (limitExceeded.test(code))
      return new BerthError("request-invalid", "something in it is too long for the database to find it by", { cause: error });
    if (ourMistakes.test(code)) return error;
    // It may name hosts and users, which are not the caller's concern.
    this.#log.error("the database failed", {
      reason: error instanceof AggregateError ? error.errors.map(messageOf) : messageOf(error),
      code,
    });
    return new BerthError("store-unavailable", "nothing is known of the change's fate where one was under way", { cause: error });
  }

  /** All go to the server at once; the first failure is what counts, for those behind it fail because of it. */
  async #runAll(client: PoolClient, begin: string, steps: readonly CommitStep[]): Promise<void> {
    const begun = client.query(begin);
    const answers = steps.map(async ({ query, check }) => ({ rows: await this.#run(client, query), check }));
    const results = await Promise.allSettled([begun, ...answers]);
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    for (const answer of answers) {
      const { rows, check } = await answer;
      check(rows);
    }
  }

  async #close(): Promise<void> {
    clearInterval(this.#pruning);
    await this.#wakeups.stop();
    await this.events.stop();
    await this.#pool.end();
  }
}

/** PostgreSQL's text holds no zero character, so none that is asked for is there. */
function parameterOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(parameterOf);
  return typeof value === "string" ? value.replaceAll("\u0000", "\ufffd") : value;
}
