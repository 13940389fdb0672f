import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { BerthError } from "../contract/berth-error.ts";

const busyTimeoutMs = 5000;

/** Forward only; the number of a migration is its place in this list, counted from 1. Never edit one. */
const migrations: readonly string[] = [
  `CREATE TABLE resources (
     kind TEXT NOT NULL,
     id TEXT NOT NULL,
     data BLOB NOT NULL,
     sealed BLOB,
     created_at_ms INTEGER NOT NULL,
     PRIMARY KEY (kind, id)
   ) STRICT;
   CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;`,
];

/**
 * Opens the embedded database: every commit is on disk before it counts (WAL, synchronous=FULL), a damaged
 * file is refused with `store-corrupt`, a newer one with `store-too-new`, and a copy is made before a migration.
 */
export function openDatabase(path: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const existed = existsSync(path);
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path);
    database.exec(
      `PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;`,
    );
    const check = database.prepare("PRAGMA integrity_check(1)").get();
    if (check?.["integrity_check"] !== "ok") throw new Error(String(check?.["integrity_check"]));
  } catch (error) {
    throw new BerthError("store-corrupt", `${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  migrate(database, path, existed);
  return database;
}

function migrate(database: DatabaseSync, path: string, existed: boolean): void {
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
  if (version > migrations.length) {
    database.close();
    throw new BerthError("store-too-new", `${path} has version ${version}; this Berth knows ${migrations.length}`);
  }
  if (version === migrations.length) return;
  if (existed && version > 0) {
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    copyFileSync(path, `${path}.v${version}.bak`);
  }
  for (let next = version; next < migrations.length; next++) {
    database.exec("BEGIN IMMEDIATE");
    try {
      database.exec(migrations[next] ?? "");
      database.exec(`PRAGMA user_version = ${next + 1}`);
      database.exec("COMMIT");
    } catch (error) {
      database.exec("ROLLBACK");
      throw error;
    }
  }
}
