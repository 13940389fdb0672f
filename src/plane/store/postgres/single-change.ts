import { type CompiledQuery, sql } from "kysely";
import type { Change } from "../backend.ts";
import { changeQuery } from "../queries.ts";
import type { QueryBuilder } from "../tables.ts";

/**
 * One change with its event as one statement, which is a transaction of its own: most commits are of this kind, and one way
 * to the server and back is a fifth of what a transaction takes. It gives the row's id when the row was as it was read.
 */
export function singleChangeQuery(
  build: QueryBuilder,
  change: Exclude<Change, { readonly does: "compare" }>,
  { isObserved, nowMs }: { readonly isObserved: boolean; readonly nowMs: number },
): CompiledQuery {
  const { announcement, kind, id } = change;
  const changed = changeQuery(build, change);
  // Counts until the end of the transaction, which is that of the statement; the commit is what looks at it.
  const quickly = isObserved ? sql`, set_config('synchronous_commit', 'off', true)` : sql``;
  const told =
    announcement === undefined
      ? sql``
      : sql`, told AS (
          INSERT INTO events (organization_id, kind, id, operation, creator_id, parent_id, created_at_ms)
          SELECT ${announcement.organizationId}, ${kind}, ${id}, ${announcement.operation}::int, ${announcement.creatorId}, ${announcement.parentId}, ${nowMs}::bigint
          FROM changed)`;
  return sql`WITH changed AS (${changed})${told} SELECT id${quickly} FROM changed`.compile(build);
}
