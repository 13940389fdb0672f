import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EnvironmentSchema } from "../../../contract/gen/gitpod/v1/environment_pb.js";
import { copyDurably, openDatabase } from "./database.ts";
import { migrations } from "./migrations.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-store-"));
  path = join(folder, "store", "berth.db");
});
afterEach(() => rmSync(folder, { recursive: true }));

const nextStep = "ALTER TABLE resources ADD COLUMN note TEXT NOT NULL DEFAULT 'none'";

function put(database: DatabaseSync, id: string): void {
  const data = toBinary(EnvironmentSchema, create(EnvironmentSchema, { id }));
  database.prepare("INSERT INTO resources (kind, id, data, created_at_ms) VALUES ('environment', ?, ?, 0)").run(id, data);
}

function fill(database: DatabaseSync): void {
  database.exec("BEGIN");
  for (let n = 0; n < 200; n++) put(database, `id-${n}`);
  database.exec("COMMIT");
}

function countOf(database: DatabaseSync): number {
  return Number(database.prepare("SELECT count(*) AS n FROM resources WHERE kind = 'environment'").get()?.["n"]);
}

test("every commit waits for the disk", () => {
  const database = openDatabase(path);
  expect(database.prepare("PRAGMA journal_mode").get()?.["journal_mode"]).toBe("wal");
  expect(database.prepare("PRAGMA synchronous").get()?.["synchronous"]).toBe(2);
  database.close();
});

test("nobody but its owner reads a database, the files beside it, or a copy", () => {
  const modesOf = (file: string): number[] => ["", "-wal", "-shm"].map((suffix) => statSync(`${file}${suffix}`).mode & 0o777);
  const fresh = join(folder, "fresh.db");
  const database = openDatabase(fresh);
  fill(database);
  expect(modesOf(fresh)).toEqual([0o600, 0o600, 0o600]);
  copyDurably(fresh, join(folder, "copy.db"));
  expect(statSync(join(folder, "copy.db")).mode & 0o777).toBe(0o600);
  // As an older Berth made them.
  const old = join(folder, "old.db");
  for (const suffix of ["", "-wal", "-shm"]) {
    writeFileSync(`${old}${suffix}`, readFileSync(`${fresh}${suffix}`));
    chmodSync(`${old}${suffix}`, 0o644);
  }
  database.close();
  const reopened = openDatabase(old);
  expect(countOf(reopened)).toBe(200);
  expect(modesOf(old)).toEqual([0o600, 0o600, 0o600]);
  reopened.close();
});

test("an older database is copied whole, log and all, before it is brought up", () => {
  const old = openDatabase(path);
  fill(old);
  // A process that was killed leaves its commits in the log.
  const dead = join(folder, "dead.db");
  for (const suffix of ["", "-wal"]) writeFileSync(`${dead}${suffix}`, readFileSync(`${path}${suffix}`));
  old.close();
  const upgraded = openDatabase(dead, [...migrations, nextStep]);
  expect(upgraded.prepare("SELECT count(*) AS n FROM resources WHERE note = 'none'").get()?.["n"]).toBe(200);
  upgraded.close();
  const backup = new DatabaseSync(`${dead}.v${migrations.length}.bak`);
  expect(backup.prepare("PRAGMA user_version").get()?.["user_version"]).toBe(migrations.length);
  expect(backup.prepare("PRAGMA integrity_check").get()?.["integrity_check"]).toBe("ok");
  expect(countOf(backup)).toBe(200);
  backup.close();
  // The way back: the copy in the place of the database.
  writeFileSync(path, readFileSync(`${dead}.v${migrations.length}.bak`));
  const back = openDatabase(path);
  expect(countOf(back)).toBe(200);
  back.close();
});

test("a migration that fails leaves the old version, and works once it is mended", () => {
  const old = openDatabase(path);
  fill(old);
  old.close();
  expect(() => openDatabase(path, [...migrations, nextStep, "CREATE TABLE resources (x)"])).toThrow(/already exists/);
  const still = openDatabase(path);
  expect(countOf(still)).toBe(200);
  still.close();
  const mended = openDatabase(path, [...migrations, nextStep]);
  expect(countOf(mended)).toBe(200);
  mended.close();
});

test.each<[string, (content: Buffer) => Buffer]>([
  ["that is something else", () => Buffer.from("this is my diary ".repeat(500))],
  ["with its head gone", (content) => Buffer.concat([Buffer.alloc(4096), content.subarray(4096)])],
  ["with a page of noise", (content) => Buffer.concat([content.subarray(0, 8192), Buffer.alloc(4096, 0xa5), content.subarray(12_288)])],
  ["that was cut off", (content) => content.subarray(0, 10_000)],
])("a file %s is refused, named, and left as it is", (_what, damage) => {
  const database = openDatabase(path);
  fill(database);
  database.close();
  const damaged = damage(readFileSync(path));
  writeFileSync(path, damaged);
  expect(() => openDatabase(path)).toThrow(new RegExp(`store-corrupt: ${path}`));
  expect(readFileSync(path).equals(damaged)).toBe(true);
  expect(existsSync(`${path}.v${migrations.length}.bak`)).toBe(false);
});

test("the message of a damaged database names the copy from before an upgrade", () => {
  const old = openDatabase(path);
  fill(old);
  old.close();
  openDatabase(path, [...migrations, nextStep]).close();
  truncateSync(path, 5000);
  expect(() => openDatabase(path, [...migrations, nextStep])).toThrow(new RegExp(`${path}\\.v${migrations.length}\\.bak`));
});

test("a newer database is refused and left as it is, with what its log holds", () => {
  const newer = openDatabase(path, [...migrations, nextStep]);
  fill(newer);
  const files = ["", "-wal"].map((suffix) => ({ suffix, content: readFileSync(`${path}${suffix}`) }));
  newer.close();
  // As a process that was killed leaves them.
  for (const { suffix, content } of files) writeFileSync(`${path}${suffix}`, content);
  expect(() => openDatabase(path)).toThrow(new RegExp(`store-too-new: .*version ${migrations.length + 1}.*knows ${migrations.length}`));
  for (const { suffix, content } of files) expect(readFileSync(`${path}${suffix}`).equals(content)).toBe(true);
  expect(readdirSync(join(folder, "store"))).not.toContain(`berth.db.v${migrations.length + 1}.bak`);
});

test("an interrupted first start is no damage", () => {
  openDatabase(path).close();
  writeFileSync(path, "");
  const database = openDatabase(path);
  expect(countOf(database)).toBe(0);
  database.close();
});

test("two connections write in turn and see each other's commits", () => {
  const first = openDatabase(path);
  const second = openDatabase(path);
  fill(first);
  put(second, "of the second");
  expect(countOf(first)).toBe(201);
  const row = first.prepare("SELECT data FROM resources WHERE id = 'of the second'").get()?.["data"];
  expect(row instanceof Uint8Array && fromBinary(EnvironmentSchema, row).id).toBe("of the second");
  first.close();
  second.close();
});
