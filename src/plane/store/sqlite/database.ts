import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { BerthError } from "../../../contract/berth-error.ts";
import { type Migration, migrations } from "./migrations.ts";

/** How long a write waits for another process that writes. */
const busyTimeoutMs = 5000;
const walRetryMs = 10;
/** What is in a database concerns its owner alone. */
const fileMode = 0o600;
/** SQLITE_BUSY (https://sqlite.org/rescode.html). */
const busyErrorCode = 5;

/**
 * Opens the embedded database: every commit is on disk before it counts (WAL, synchronous=FULL). A damaged file
 * is refused with `store-corrupt`, a newer one with `store-too-new`, both untouched; a copy is made before a
 * migration. Its files are for their owner alone. `steps` are the migrations to bring it to.
 */
export function openDatabase(path: string, steps: readonly Migration[] = migrations): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const existed = existsSync(path);
  if (existed) {
    checkUntouched(path, steps);
    for (const suffix of ["", "-wal", "-shm"]) shutOthersOut(`${path}${suffix}`);
  } else makeEmpty(path);
  const database = new DatabaseSync(path);
  try {
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    useWal(database);
    database.exec("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
    migrate(database, path, steps);
    if (!existed) syncPath(dirname(path));
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** SQLite gives the files beside a database the mode that it has. */
function makeEmpty(path: string): void {
  closeSync(openSync(path, "a", fileMode));
}

/** A database of an older Berth may be readable for everybody; that of another user is theirs to change. */
function shutOthersOut(path: string): void {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file !== undefined && file.uid === process.getuid?.()) chmodSync(path, fileMode);
}

/** Two processes that do this to one new file at once would wait for each other, so SQLite tells one of them at once. */
function useWal(database: DatabaseSync): void {
  const endMs = performance.now() + busyTimeoutMs;
  for (;;) {
    try {
      database.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (error) {
      const isBusy = error instanceof Error && "errcode" in error && error.errcode === busyErrorCode;
      if (!isBusy || performance.now() > endMs) throw error;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, walRetryMs);
  }
}

/** Looks through a connection that cannot write, so that a refused file stays as it was. */
function checkUntouched(path: string, steps: readonly Migration[]): void {
  let database: DatabaseSync | undefined;
  let version: number;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    version = versionOf(database);
    const problem = database.prepare("PRAGMA integrity_check(1)").get()?.["integrity_check"];
    if (version <= steps.length && problem !== "ok") throw new Error(String(problem));
  } catch (error) {
    throw new BerthError("store-corrupt", corruptAdvice(path, steps, error), { cause: error });
  } finally {
    database?.close();
  }
  if (version > steps.length) throw new BerthError("store-too-new", `${path} has version ${version}; this Berth knows ${steps.length}`);
}

function corruptAdvice(path: string, steps: readonly Migration[], error: unknown): string {
  const backups = steps.map((_step, version) => backupPath(path, version)).filter((backup) => existsSync(backup));
  const newest = backups.at(-1);
  return `${path}: ${error instanceof Error ? error.message : String(error)}${newest === undefined ? "" : `. A copy from before an upgrade is ${newest}`}`;
}

function migrate(database: DatabaseSync, path: string, steps: readonly Migration[]): void {
  if (versionOf(database) === steps.length) return;
  // Two processes that open an old database at once: the second finds it done.
  database.exec("BEGIN IMMEDIATE");
  try {
    const version = versionOf(database);
    if (version > 0 && version < steps.length) copyDurably(path, backupPath(path, version));
    for (const step of steps.slice(version)) {
      if (typeof step === "string") database.exec(step);
      else step(database);
    }
    database.exec(`PRAGMA user_version = ${steps.length}`);
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

function backupPath(path: string, version: number): string {
  return `${path}.v${version}.bak`;
}

/**
 * What is committed, whether in the file or still in its log, as one file that is whole or not there, and for its owner
 * alone; others may use the database meanwhile.
 */
export function copyDurably(path: string, target: string): void {
  const temporary = `${target}.tmp`;
  rmSync(temporary, { force: true });
  makeEmpty(temporary);
  const source = new DatabaseSync(path, { readOnly: true });
  try {
    source.prepare("VACUUM INTO ?").run(temporary);
  } finally {
    source.close();
  }
  syncPath(temporary);
  renameSync(temporary, target);
  syncPath(dirname(target));
}

function syncPath(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
}
