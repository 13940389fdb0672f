import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { restoreUpgradedStore } from "./restore-store.ts";

const trialBeganMs = Date.UTC(2026, 0, 2);
let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "berth-restore-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const path = (): string => join(folder, "berth.db");

function writeDatabase(name: string, version: number, word: string, { isOpen = false } = {}): void {
  const database = new DatabaseSync(join(folder, name));
  database.exec(`PRAGMA journal_mode = ${isOpen ? "WAL" : "DELETE"}; PRAGMA user_version = ${version}; CREATE TABLE words (word TEXT)`);
  database.prepare("INSERT INTO words VALUES (?)").run(word);
  // A process that was killed leaves its log behind.
  const files = readdirSync(folder).map((file) => ({ file, content: readFileSync(join(folder, file)) }));
  database.close();
  if (isOpen) for (const { file, content } of files) writeFileSync(join(folder, file), content);
}

function read(): { version: unknown; word: unknown } {
  const database = new DatabaseSync(path());
  const version = database.prepare("PRAGMA user_version").get()?.["user_version"];
  const word = database.prepare("SELECT word FROM words").get()?.["word"];
  database.close();
  return { version, word };
}

function touch(name: string, atMs: number): void {
  utimesSync(join(folder, name), atMs / 1000, atMs / 1000);
}

test("a database that the trial upgraded is as it was before, also when the process was killed", async () => {
  writeDatabase("berth.db", 4, "after", { isOpen: true });
  writeDatabase("berth.db.v3.bak", 3, "before");
  touch("berth.db.v3.bak", trialBeganMs + 1000);
  expect(await restoreUpgradedStore(folder, trialBeganMs)).toEqual(["berth.db"]);
  expect(read()).toEqual({ version: 3, word: "before" });
  expect(await restoreUpgradedStore(folder, trialBeganMs)).toEqual(["berth.db"]);
  expect(read()).toEqual({ version: 3, word: "before" });
});

test("a database that the trial did not upgrade is left alone, whatever copies there are of older times", async () => {
  writeDatabase("berth.db", 4, "work of a year");
  writeDatabase("berth.db.v3.bak", 3, "before");
  touch("berth.db.v3.bak", trialBeganMs - 1000);
  expect(await restoreUpgradedStore(folder, trialBeganMs)).toEqual([]);
  expect(read()).toEqual({ version: 4, word: "work of a year" });
  expect(await restoreUpgradedStore(join(folder, "not-there"), trialBeganMs)).toEqual([]);
});
