import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Log, silentLog } from "../lib/log.ts";
import { tokenAuthentication } from "./access-tokens.ts";
import { createFirstAdministrator } from "./membership.ts";
import { createStore } from "./store/create-store.ts";
import { PageTokens } from "./store/page-tokens.ts";
import { openDatabase } from "./store/sqlite/database.ts";
import { SqliteBackend } from "./store/sqlite/sqlite-backend.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "berth-tokens-"))));
afterEach(() => rmSync(folder, { recursive: true }));

test("a token is good also while its use cannot be written down", async () => {
  const path = join(folder, "berth.db");
  const database = openDatabase(path);
  const backend = new SqliteBackend(database, silentLog);
  const store = createStore({ backend, tokens: new PageTokens(new Uint8Array(32)), now: () => 0 });
  const made = await createFirstAdministrator(store, { organization: "o", name: "Ada", email: "ada@example.com" }, () => 0);
  database.exec("PRAGMA busy_timeout = 50");
  const other = openDatabase(path);
  other.exec("BEGIN IMMEDIATE");
  const told: string[] = [];
  const log: Log = { ...silentLog, warn: (message) => void told.push(message) };
  const caller = await tokenAuthentication({ store, now: () => 0, log })(new Headers({ authorization: `Bearer ${made.token}` }));
  expect(caller).toMatchObject({ id: made.userId, organizationId: made.organizationId });
  expect(told).toEqual(["a token's last use was not noted"]);
  other.close();
  await store.close();
});
