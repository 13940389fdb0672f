import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { Sealer } from "../../../src/plane/seal.ts";
import { secretOwner } from "../../../src/plane/secrets.ts";
import { environmentKind, secretKind } from "../../../src/plane/store/kinds.ts";
import { PageTokens } from "../../../src/plane/store/page-tokens.ts";
import { openDatabase } from "../../../src/plane/store/sqlite/database.ts";
import { migrations } from "../../../src/plane/store/sqlite/migrations.ts";
import { openSqliteStore } from "../../../src/plane/store/sqlite/open-sqlite-store.ts";
import type { Store } from "../../../src/plane/store/store.ts";

const kills = 25;
/** A process dies behind one of its first lines: behind none while it starts, else in the middle of writing. */
const mostLines = 30;
const longestDelayMs = 15;
const longestStartMs = 1500;
const testTimeoutMs = 180_000;

/** A generator of numbers below 1 that a seed repeats (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function openStore(path: string): Store {
  return openSqliteStore({ path, tokens: new PageTokens(new Uint8Array(32)), now: () => Date.now() });
}

/** Runs one of our programs, kills it `delayMs` behind its line number `behindLine`, and gives every line it had written. */
async function killed(program: string, args: readonly string[], behindLine: number, delayMs: number): Promise<string[]> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, program), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  const kill = (): void => void setTimeout(() => child.kill("SIGKILL"), delayMs);
  if (behindLine === 0) kill();
  createInterface(child.stdout).on("line", (line) => {
    if (lines.push(line) === behindLine) kill();
  });
  const signal = await new Promise<NodeJS.Signals | null>((resolve) => child.once("close", (_code, ending) => resolve(ending)));
  expect(signal, "it ended by itself").toBe("SIGKILL");
  return lines;
}

test("what was acknowledged is there after kill -9 at any moment", { timeout: testTimeoutMs }, async () => {
  const seed = Number(process.env["BERTH_TEST_SEED"] ?? Date.now() % 1_000_000);
  process.stdout.write(`kills of the store: BERTH_TEST_SEED=${seed}\n`);
  const random = randomFrom(seed);
  const folder = mkdtempSync(join(tmpdir(), "berth-kills-"));
  const environments = new Map<string, number>();
  const removed = new Set<string>();
  const secrets = new Map<string, number>();
  let acknowledged = 0;
  for (let kill = 0; kill < kills; kill++) {
    const behindLine = Math.floor(random() * mostLines);
    const delayMs = random() * (behindLine === 0 ? longestStartMs : longestDelayMs);
    for (const line of await killed("writer.ts", [folder, String(kill)], behindLine, delayMs)) {
      const [what = "", id = "", number = "0"] = line.split(" ");
      acknowledged++;
      if (what === "secret") secrets.set(id, Number(number));
      else if (what === "removed") removed.add(id);
      else environments.set(id, Number(number));
    }
    const database = openDatabase(join(folder, "berth.db"));
    expect(database.prepare("PRAGMA integrity_check").get()?.["integrity_check"]).toBe("ok");
    database.close();
    const store = openStore(join(folder, "berth.db"));
    const records = store.system("housekeeping");
    for (const [id, number] of environments) {
      const found = (await records.get(environmentKind, id))?.message;
      if (removed.has(id)) expect(found, `${id} came back`).toBeUndefined();
      // One more may have been committed whose acknowledgement was cut off: a change, or the removal behind the last one.
      else if (found === undefined) expect(number, `${id} is lost`).toBe(5);
      else expect([number, number + 1]).toContain(Number(found.metadata?.annotations["number"] ?? "0"));
      if (found === undefined) removed.add(id);
    }
    const sealer = await Sealer.open(join(folder, "key"));
    for (const [id, number] of secrets) {
      const value = await records.sealed(secretKind, id);
      expect(value, `secret ${id} is lost`).toBeDefined();
      if (value !== undefined) expect([number, number + 1]).toContain(Number(sealer.open(value, secretOwner(id))));
    }
    await store.close();
  }
  expect(acknowledged).toBeGreaterThan(kills);
  process.stdout.write(`${acknowledged} acknowledged writes, ${kills} kills\n`);
  rmSync(folder, { recursive: true });
});

test("two processes start on one new store at once, and neither loses what it wrote", { timeout: testTimeoutMs }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "berth-two-"));
  const lines = (await Promise.all(["a", "b"].map(async (run) => killed("writer.ts", [folder, run], mostLines, 0)))).flat();
  const store = openStore(join(folder, "berth.db"));
  const records = store.system("housekeeping");
  const sealer = await Sealer.open(join(folder, "key"));
  expect(new Set((await records.all(environmentKind)).map((e) => e.message.metadata?.creator?.id)).size).toBe(1);
  for (const line of lines) {
    const [what = "", id = ""] = line.split(" ");
    if (what === "made" && !lines.includes(`removed ${id}`)) expect(await records.get(environmentKind, id), id).toBeDefined();
    if (what === "secret") expect(sealer.open((await records.sealed(secretKind, id)) ?? new Uint8Array(), secretOwner(id))).toMatch(/^\d$/);
  }
  await store.close();
  rmSync(folder, { recursive: true });
});

test("kill -9 in the middle of an upgrade leaves the old database or the new one", { timeout: testTimeoutMs }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "berth-upgrade-"));
  const path = join(folder, "berth.db");
  const old = openDatabase(path);
  old.exec(
    `INSERT INTO resources (kind, id, data, created_at_ms)
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT 'k', i, zeroblob(300), i FROM n`,
  );
  old.close();
  const versions = new Set<number>();
  // Each one dies later than the one before, until one was quick enough.
  for (let delayMs = 1; !versions.has(migrations.length + 1); delayMs *= 1.6) {
    await killed("upgrader.ts", [path], 1, delayMs);
    const database = new DatabaseSync(path);
    expect(database.prepare("PRAGMA integrity_check").get()?.["integrity_check"]).toBe("ok");
    expect(database.prepare("SELECT count(*) AS n FROM resources").get()?.["n"]).toBe(20_000);
    versions.add(Number(database.prepare("PRAGMA user_version").get()?.["user_version"]));
    database.close();
  }
  expect(versions).toEqual(new Set([migrations.length, migrations.length + 1]));
  const backup = new DatabaseSync(`${path}.v${migrations.length}.bak`, { readOnly: true });
  expect(backup.prepare("PRAGMA integrity_check").get()?.["integrity_check"]).toBe("ok");
  expect(backup.prepare("SELECT count(*) AS n FROM resources").get()?.["n"]).toBe(20_000);
  backup.close();
  rmSync(folder, { recursive: true });
});
