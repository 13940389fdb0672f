import { type Log, silentLog } from "../../../lib/log.ts";
import { createStore } from "../create-store.ts";
import type { PageTokens } from "../page-tokens.ts";
import type { Store } from "../store.ts";
import { openDatabase } from "./database.ts";
import { SqliteBackend } from "./sqlite-backend.ts";

/** Opens the store in a SQLite file, which one process uses. Fails with `store-corrupt` or `store-too-new`. */
export function openSqliteStore(options: {
  readonly path: string;
  readonly tokens: PageTokens;
  readonly now: () => number;
  readonly log?: Log;
}): Store {
  const { path, tokens, now, log = silentLog } = options;
  return createStore({ backend: new SqliteBackend(openDatabase(path), log), tokens, now });
}
