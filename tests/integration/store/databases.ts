import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../../src/lib/log.ts";
import { PageTokens } from "../../../src/plane/store/page-tokens.ts";
import { openPostgresStore } from "../../../src/plane/store/postgres/open-postgres-store.ts";
import { openSqliteStore } from "../../../src/plane/store/sqlite/open-sqlite-store.ts";
import type { Store } from "../../../src/plane/store/store.ts";
import { ThrowawayPostgres } from "../../support/postgres.ts";

/** One kind of database for a suite that has to hold on every one. */
export interface Databases {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** The address of a new, empty database, as `--database-url` takes it. */
  make(): Promise<string>;
  open(url: string): Promise<Store>;
}

const tokens = new PageTokens(Buffer.alloc(32, 7));
const now = (): number => Date.now();

export function sqliteDatabases(): Databases {
  let folder = "";
  let made = 0;
  return {
    name: "SQLite",
    start: async () => void (folder = mkdtempSync(join(tmpdir(), "berth-sqlite-"))),
    stop: async () => rmSync(folder, { recursive: true }),
    make: async () => join(folder, `${made++}`, "berth.db"),
    open: async (path) => openSqliteStore({ path, tokens, now }),
  };
}

export function postgresDatabases(): Databases {
  let server: ThrowawayPostgres | undefined;
  return {
    name: "PostgreSQL",
    start: async () => void (server = await ThrowawayPostgres.start()),
    stop: async () => server?.stop(),
    make: async () => (server === undefined ? "" : server.database()),
    open: async (url) => openPostgresStore({ url, tokens, now, log: silentLog }),
  };
}
