import { type CompiledQuery, sql } from "kysely";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { type Log, messageOf } from "../../../lib/log.ts";
import type { Row } from "../backend.ts";
import { pruneBatchSize } from "../event-queries.ts";
import { eventOf } from "../rows.ts";
import type { StoreEvent, StoreEvents } from "../store.ts";
import type { QueryBuilder } from "../tables.ts";

/** How long a notification may be lost before the outbox is looked at anyway. */
const pollMs = 1000;
/** While a transaction that began earlier is still open, what comes behind it is held back. */
const heldBackPollMs = 20;
/** However many changes there are, the outbox is not read more often: nobody waits longer than that for them. */
const minIntervalMs = 15;
const batchSize = 500;
const retryMs = 500;
/** How long the outbox keeps events; who did not look for longer is told to look at everything again. */
const eventRetentionMs = 60 * 60_000;

const positionPattern = /^(\d{1,20})\.(\d{1,19})$/;
const positionRow = z.tuple([z.object({ position: z.string() })]);
const horizonRow = z.tuple([z.object({ horizon: z.string() })]);
const heldBackRow = z.tuple([z.object({ held: z.boolean() })]).rest(z.unknown());

interface Listener {
  readonly event: (event: StoreEvent) => void;
  readonly gap: () => void;
}

/**
 * Reads the outbox and tells what is new. An event's position is its transaction id and its sequence number; only those
 * are read whose transaction, and every earlier one, has ended, so that none can appear behind the reader's back
 * (https://www.postgresql.org/docs/15/functions-info.html, pg_snapshot_xmin).
 */
export class EventFeed implements StoreEvents {
  readonly #build: QueryBuilder;
  readonly #rows: (query: CompiledQuery) => Promise<readonly Row[]>;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #listeners = new Set<Listener>();
  readonly #ended = new AbortController();
  #wake: (() => void) | undefined;
  #isAwake = false;
  #running: Promise<void> | undefined;
  /** What could be read when it was pruned last: every transaction before this one had ended. */
  #horizon: string | undefined;

  constructor(options: {
    readonly build: QueryBuilder;
    readonly rows: (query: CompiledQuery) => Promise<readonly Row[]>;
    readonly log: Log;
    readonly now: () => number;
  }) {
    this.#build = options.build;
    this.#rows = options.rows;
    this.#log = options.log;
    this.#now = options.now;
  }

  /** Begins at the newest event; what is committed after it resolved is told. */
  async start(): Promise<void> {
    const position = await this.position();
    this.#running = this.#run(position);
  }

  /** Says that there may be something new. */
  wake(): void {
    this.#isAwake = true;
    this.#wake?.();
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    this.#wake?.();
    await this.#running;
  }

  subscribe(listener: (event: StoreEvent) => void, onGap: () => void = () => undefined): () => void {
    const entry = { event: listener, gap: onGap };
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  async position(): Promise<string> {
    const query = sql`SELECT coalesce((SELECT xid::text || '.' || seq::text FROM events
      WHERE xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid DESC, seq DESC LIMIT 1), '0.0') AS position`;
    const [{ position }] = positionRow.parse(await this.#rows(query.compile(this.#build)));
    return position;
  }

  async after(position: string, limit: number): Promise<readonly StoreEvent[]> {
    return (await this.#read(...partsOf(position), limit)).events;
  }

  /** What is behind a position, and whether more is held back; one statement, and one row where there is nothing. */
  async #read(xid: string, seq: string, limit: number): Promise<{ readonly events: readonly StoreEvent[]; readonly isHeldBack: boolean }> {
    const query = sql`SELECT held.held, found.*
      FROM (SELECT EXISTS (SELECT 1 FROM events WHERE xid >= pg_snapshot_xmin(pg_current_snapshot())) AS held) AS held
      LEFT JOIN (
        SELECT xid::text || '.' || seq::text AS position, xid, seq, organization_id, kind, id, operation, creator_id, parent_id FROM events
        WHERE (xid, seq) > (${xid}::text::xid8, ${seq}::text::bigint) AND xid < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY xid, seq LIMIT ${limit}
      ) AS found ON true
      ORDER BY found.xid, found.seq`;
    const rows = await this.#rows(query.compile(this.#build));
    const [{ held }] = heldBackRow.parse(rows);
    return { events: rows.filter(({ position }) => position !== null).map(eventOf), isHeldBack: held };
  }

  /**
   * Takes away old events, some at a time. They may be old and new to everybody when a transaction was open for long, so
   * only those go that could be read at the last time already.
   */
  async prune(): Promise<void> {
    const horizon = this.#horizon;
    const read = sql`SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS horizon`;
    [{ horizon: this.#horizon }] = horizonRow.parse(await this.#rows(read.compile(this.#build)));
    if (horizon === undefined) return;
    const query = sql`DELETE FROM events WHERE (xid, seq) IN (
      SELECT xid, seq FROM events WHERE created_at_ms < ${this.#now() - eventRetentionMs} AND xid < ${horizon}::text::xid8
      ORDER BY created_at_ms LIMIT ${pruneBatchSize} FOR UPDATE SKIP LOCKED) RETURNING seq`;
    while (!this.#ended.signal.aborted) {
      const removed = await this.#rows(query.compile(this.#build));
      if (removed.length < pruneBatchSize) return;
    }
  }

  async #run(from: string): Promise<void> {
    let position = from;
    let readAtMs = this.#now();
    while (!this.#ended.signal.aborted) {
      this.#isAwake = false;
      let waitMs = pollMs;
      try {
        const { events, isHeldBack } = await this.#read(...partsOf(position), batchSize);
        // Some of them may have been taken away by then.
        if (this.#now() - readAtMs > eventRetentionMs / 2) for (const listener of this.#listeners) listener.gap();
        readAtMs = this.#now();
        for (const event of events) this.#tell(event);
        position = events.at(-1)?.position ?? position;
        if (events.length === batchSize) continue;
        if (isHeldBack) waitMs = heldBackPollMs;
      } catch (error) {
        if (this.#ended.signal.aborted) return;
        this.#log.warn("the outbox could not be read", { reason: messageOf(error) });
        waitMs = retryMs;
      }
      await this.#sleep(waitMs);
    }
  }

  #tell(event: StoreEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener.event(event);
      } catch (error) {
        this.#log.error("an event was not taken", { reason: messageOf(error) });
      }
    }
  }

  /** Until the time is over or something is new, though never less than the least interval. */
  async #sleep(ms: number): Promise<void> {
    await delay(minIntervalMs, undefined, { signal: this.#ended.signal }).catch(() => undefined);
    if (this.#isAwake || this.#ended.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake = done;
    });
  }
}

/** The transaction id and the sequence number. */
function partsOf(position: string): readonly [string, string] {
  const [, xid, seq] = positionPattern.exec(position) ?? [];
  if (xid === undefined || seq === undefined) throw new Error(`'${position}' is no position of the outbox`);
  return [xid, seq];
}
