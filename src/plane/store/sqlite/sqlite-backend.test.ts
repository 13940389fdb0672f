import { create } from "@bufbuild/protobuf";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EnvironmentSchema } from "../../../contract/gen/gitpod/v1/environment_pb.js";
import { SecretSchema } from "../../../contract/gen/gitpod/v1/secret_pb.js";
import { type Log, silentLog } from "../../../lib/log.ts";
import { createStore } from "../create-store.ts";
import { environmentKind, secretKind } from "../kinds.ts";
import { PageTokens } from "../page-tokens.ts";
import { openDatabase } from "./database.ts";
import { SqliteBackend } from "./sqlite-backend.ts";

const tokens = new PageTokens(new Uint8Array(32));
const organizationId = "018f0000-0000-7000-8000-0000000000a1";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "berth-sqlite-"))));
afterEach(() => rmSync(folder, { recursive: true }));

test("on a full disk a change fails clearly and as a whole, and goes on when there is space", async () => {
  const database = openDatabase(join(folder, "berth.db"));
  const store = createStore({ backend: new SqliteBackend(database, silentLog), tokens, now: () => 0 });
  const organization = store.inOrganization(organizationId);
  const insert = async (id: string, sizeBytes: number): Promise<void> => {
    const message = create(EnvironmentSchema, { id, metadata: { organizationId, name: id, annotations: { text: "x".repeat(sizeBytes) } } });
    await organization.transaction(async (tx) => {
      tx.insert(
        environmentKind,
        `${id}-beside`,
        create(EnvironmentSchema, { id: `${id}-beside`, metadata: { organizationId, name: "beside" } }),
      );
      tx.insert(environmentKind, id, message);
    });
  };
  const pages = Number(database.prepare("PRAGMA page_count").get()?.["page_count"]);
  database.exec(`PRAGMA max_page_count = ${pages + 5}`);
  await expect(insert("large", 200_000)).rejects.toMatchObject({ code: "store-unavailable", detail: "its disk is full" });
  expect(await organization.count(environmentKind)).toBe(0);
  database.exec(`PRAGMA max_page_count = ${pages + 500}`);
  await insert("large", 200_000);
  expect(await organization.count(environmentKind)).toBe(2);
  await store.close();
});

test("a database that another process holds for long is said to be so", { timeout: 20_000 }, async () => {
  const path = join(folder, "berth.db");
  const database = openDatabase(path);
  database.exec("PRAGMA busy_timeout = 50");
  const other = openDatabase(path);
  const told: unknown[] = [];
  const log: Log = { ...silentLog, error: (_message, fields) => void told.push(fields) };
  const store = createStore({ backend: new SqliteBackend(database, log), tokens, now: () => 0 });
  other.exec("BEGIN IMMEDIATE");
  const message = create(EnvironmentSchema, { id: "e", metadata: { organizationId, name: "e" } });
  const insert = async (): Promise<void> =>
    store.inOrganization(organizationId).transaction(async (tx) => tx.insert(environmentKind, "e", message));
  await expect(insert()).rejects.toMatchObject({ code: "store-unavailable", detail: "another process writes to it for long" });
  expect(told).toEqual([{ reason: "database is locked", code: 5 }]);
  other.exec("ROLLBACK");
  await insert();
  other.close();
  await store.close();
});

test("sealed values of records that change while they are renewed are renewed as well", async () => {
  const path = join(folder, "berth.db");
  const store = createStore({ backend: new SqliteBackend(openDatabase(path), silentLog), tokens, now: () => 0 });
  const other = openDatabase(path);
  const organization = store.inOrganization(organizationId);
  for (const id of ["a", "b"])
    await organization.transaction(async (tx) =>
      tx.insert(secretKind, id, create(SecretSchema, { id, scope: { scope: { case: "userId", value: id } } }), {
        sealed: Buffer.from("old"),
      }),
    );
  let seen = 0;
  const renewed = await store.renewSealed((sealed) => {
    if (seen++ === 0) other.exec("UPDATE resources SET revision = revision + 1 WHERE id = 'a'");
    return Buffer.from(sealed).toString() === "old" ? Buffer.from("new") : undefined;
  });
  expect(renewed).toBe(2);
  for (const id of ["a", "b"]) expect(Buffer.from((await organization.sealed(secretKind, id)) ?? []).toString()).toBe("new");
  other.close();
  await store.close();
});

test("a change that somebody fails to take is made all the same, and others are told of it", async () => {
  const told: unknown[] = [];
  const log: Log = { ...silentLog, error: (_message, fields) => void told.push(fields?.["reason"]) };
  const store = createStore({ backend: new SqliteBackend(openDatabase(join(folder, "berth.db")), log), tokens, now: () => 0 });
  const heard: string[] = [];
  store.events.subscribe(() => {
    throw new Error("not in the mood");
  });
  store.events.subscribe(({ id }) => void heard.push(id));
  const message = create(EnvironmentSchema, { id: "e", metadata: { organizationId, name: "e" } });
  await store.inOrganization(organizationId).transaction(async (tx) => tx.insert(environmentKind, "e", message));
  expect(heard).toEqual(["e"]);
  expect(told).toEqual(["not in the mood"]);
  await store.close();
});
