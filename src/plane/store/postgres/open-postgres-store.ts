import { Client, type ClientConfig, Pool, types } from "pg";
import { BerthError } from "../../../contract/berth-error.ts";
import { type Log, messageOf } from "../../../lib/log.ts";
import { createStore } from "../create-store.ts";
import type { PageTokens } from "../page-tokens.ts";
import type { Store } from "../store.ts";
import { migrate } from "./migrate.ts";
import { PostgresBackend } from "./postgres-backend.ts";

const maxConnections = 10;
const connectTimeoutMs = 5000;
/** After so much silence the other side is asked whether it is still there; the system's own default is two hours. */
const keepAliveDelayMs = 10_000;
/** No statement of ours takes long; one that does is better given up than waited for. */
const statementTimeoutMs = 10_000;
/** Beyond the server's own limit: then the connection itself is dead. */
const queryTimeoutMs = 15_000;
/** A migration may rewrite tables, and waits for that of another process. */
const migrationTimeoutMs = 30 * 60_000;
/** bigint; all of ours are below 2^53. */
const bigintOid = 20;

/**
 * Opens the store in a PostgreSQL database (15 or later), brings it to the newest version, and begins to tell of events.
 * Fails with `store-too-new`, or `store-unavailable` when the server does not answer.
 */
export async function openPostgresStore(options: {
  readonly url: string;
  readonly tokens: PageTokens;
  readonly now: () => number;
  readonly log: Log;
}): Promise<Store> {
  const { url, tokens, now, log } = options;
  const connection: ClientConfig = {
    connectionString: url,
    application_name: "berth-plane",
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveDelayMs,
    types: {
      getTypeParser: (oid, format) => (oid === bigintOid ? Number : types.getTypeParser(oid, format)),
    },
  };
  await migrateDatabase(connection);
  const limits = {
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: statementTimeoutMs,
    query_timeout: queryTimeoutMs,
  };
  // The statements of a transaction are sent without waiting for each one's answer.
  const pool = new Pool({ ...connection, ...limits, max: maxConnections, pipeline: true });
  // All statements read by keys; planning one for the very values it has costs more than it can gain.
  pool.on("connect", (client) => void client.query("SET plan_cache_mode = force_generic_plan").catch(() => undefined));
  const backend = new PostgresBackend({ pool, newListener: () => new Client(connection), log, now });
  try {
    await backend.start();
  } catch (error) {
    await backend.close();
    throw error;
  }
  return createStore({ backend, tokens, now });
}

async function migrateDatabase(connection: ClientConfig): Promise<void> {
  const client = new Client({ ...connection, statement_timeout: migrationTimeoutMs });
  // Told by the call under way as well.
  client.on("error", () => undefined);
  try {
    await client.connect();
    await migrate(client);
  } catch (error) {
    if (error instanceof BerthError) throw error;
    throw new BerthError("store-unavailable", messageOf(error), { cause: error });
  } finally {
    await client.end().catch(() => undefined);
  }
}
