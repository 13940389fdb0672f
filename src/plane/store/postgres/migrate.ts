import type { Client } from "pg";
import { z } from "zod";
import { BerthError } from "../../../contract/berth-error.ts";
import { migrations } from "./migrations.ts";

/** Names our lock among the advisory locks of the database: "bert" in ASCII. */
const lockKey = 0x62657274;
const minServerVersion = 150_000;

const numberRow = z.tuple([z.object({ n: z.coerce.number() })]);

/**
 * Brings the database to the newest version, one process at a time, each migration in a transaction. Fails with
 * `store-too-new` when it is newer than this Berth, and `store-unavailable` when the server is older than 15.
 */
export async function migrate(client: Client, steps: readonly string[] = migrations): Promise<void> {
  const [{ n: serverVersion }] = await numberOf(client, "SELECT current_setting('server_version_num')::int AS n");
  if (serverVersion < minServerVersion) throw new BerthError("store-unavailable", "PostgreSQL 15 or later is needed");
  // Of the session, so that it is let go when this process dies.
  await client.query("SELECT pg_advisory_lock($1)", [lockKey]);
  try {
    await client.query(
      "CREATE TABLE IF NOT EXISTS berth_migrations (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
    );
    const [{ n: version }] = await numberOf(client, "SELECT coalesce(max(version), 0) AS n FROM berth_migrations");
    if (version > steps.length)
      throw new BerthError("store-too-new", `the database has version ${version}; this Berth knows ${steps.length}`);
    for (const [index, step] of steps.entries()) if (index >= version) await apply(client, index + 1, step);
  } finally {
    await client.query("SELECT pg_advisory_unlock($1)", [lockKey]);
  }
}

async function apply(client: Client, version: number, step: string): Promise<void> {
  await client.query("BEGIN");
  try {
    await client.query(step);
    await client.query("INSERT INTO berth_migrations (version) VALUES ($1)", [version]);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  }
}

async function numberOf(client: Client, query: string): Promise<z.infer<typeof numberRow>> {
  return numberRow.parse((await client.query(query)).rows);
}
