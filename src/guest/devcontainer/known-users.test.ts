import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KnownUsers } from "./known-users.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "known-users-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("what was found out is known to the next agent, until it is taken back", async () => {
  const path = join(folder, "cache/known.json");
  await new KnownUsers(path).add("a");
  expect(await new KnownUsers(path).has("a")).toBe(true);
  await new KnownUsers(path).remove("a");
  expect(await new KnownUsers(path).has("a")).toBe(false);
});

test("a file that cannot be read is as good as none", async () => {
  const path = join(folder, "known.json");
  writeFileSync(path, '{"half":');
  const known = new KnownUsers(path);
  expect(await known.has("a")).toBe(false);
  await known.add("a");
  expect(await new KnownUsers(path).has("a")).toBe(true);
});

test("the oldest are forgotten", async () => {
  const path = join(folder, "known.json");
  writeFileSync(path, JSON.stringify(Array.from({ length: 500 }, (_, n) => `hash-${n}`)));
  const known = new KnownUsers(path);
  await known.add("new");
  expect(await known.has("hash-0")).toBe(false);
  expect(await known.has("hash-1")).toBe(true);
  expect(JSON.parse(readFileSync(path, "utf8"))).toHaveLength(500);
});
