import { CompiledQuery } from "kysely";
import type { RowKey } from "../backend.ts";
import { messageColumns } from "../queries.ts";

const text = `SELECT wanted.n, ${messageColumns.map((column) => `resources.${column}`).join(", ")}
  FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS wanted (kind, id, scope, n)
  JOIN resources ON resources.kind = wanted.kind COLLATE "C" AND resources.id = wanted.id COLLATE "C"
    AND (wanted.scope IS NULL OR resources.organization_id = wanted.scope COLLATE "C")`;

/** The rows of many keys in one statement; each has its key's place in the list as `n`, counted from 1. */
export function rowsQuery(keys: readonly RowKey[]): CompiledQuery {
  return CompiledQuery.raw(text, [keys.map(({ kind }) => kind), keys.map(({ id }) => id), keys.map(({ scope }) => scope ?? null)]);
}
