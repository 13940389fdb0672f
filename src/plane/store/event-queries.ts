import { type CompiledQuery, sql } from "kysely";
import type { QueryBuilder } from "./tables.ts";

/** The events behind a sequence number, for databases that have one writer at a time. */
export function eventsAfterQuery(build: QueryBuilder, seq: number, limit: number): CompiledQuery {
  return build.selectFrom("events").selectAll().select("seq as position").where("seq", ">", seq).orderBy("seq").limit(limit).compile();
}

export function eventsPositionQuery(build: QueryBuilder): CompiledQuery {
  return build
    .selectFrom("events")
    .select(sql<number>`coalesce(max(seq), 0)`.as("position"))
    .compile();
}

/** How many events are taken away at once, so that nobody waits for long behind it. */
export const pruneBatchSize = 5000;

export function pruneEventsQuery(build: QueryBuilder, beforeMs: number): CompiledQuery {
  const old = build.selectFrom("events").select("seq").where("created_at_ms", "<", beforeMs).orderBy("created_at_ms").limit(pruneBatchSize);
  return build.deleteFrom("events").where("seq", "in", old).compile();
}
