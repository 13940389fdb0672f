import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EnvironmentPhase, EnvironmentSchema } from "../../../contract/gen/gitpod/v1/environment_pb.js";
import { HostAuthenticationTokenSchema } from "../../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { SecretSchema } from "../../../contract/gen/gitpod/v1/secret_pb.js";
import { environmentKind, environmentNameKey, hostTokenKind, secretKind } from "../kinds.ts";
import { PageTokens } from "../page-tokens.ts";
import type { Store } from "../store.ts";
import { openDatabase } from "./database.ts";
import { migrations } from "./migrations.ts";
import { openSqliteStore } from "./open-sqlite-store.ts";

const organizationId = "018f0000-0000-7000-8000-0000000000a1";
const creator = { id: "018f0000-0000-7000-8000-0000000000c1" };

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-migrations-"));
  path = join(folder, "berth.db");
});
afterEach(() => rmSync(folder, { recursive: true }));

function open(): Store {
  return openSqliteStore({ path, tokens: new PageTokens(new Uint8Array(32)), now: () => 0 });
}

const environment = create(EnvironmentSchema, {
  id: "e1",
  metadata: { organizationId, name: "My app", creator, runnerId: "r1", archivedAt: timestampFromMs(5), lockdownAt: timestampFromMs(9) },
  spec: { specVersion: 3n },
  status: { phase: EnvironmentPhase.STOPPED },
});
const secret = create(SecretSchema, {
  id: "s1",
  name: "TOKEN",
  creator,
  scope: { scope: { case: "userId", value: creator.id } },
  mount: { case: "environmentVariable", value: true },
});
const token = create(HostAuthenticationTokenSchema, { id: "t1", host: "github.com", runnerId: "r1", subject: creator });

function fillVersion1(twice: boolean): void {
  const old = openDatabase(path, migrations.slice(0, 1));
  const insert = old.prepare("INSERT INTO resources (kind, id, data, sealed, created_at_ms) VALUES (?, ?, ?, ?, ?)");
  old.prepare("INSERT INTO settings (name, value) VALUES ('organization-id', ?)").run(organizationId);
  insert.run("environment", "e1", toBinary(EnvironmentSchema, environment), null, 1);
  if (twice) insert.run("environment", "e2", toBinary(EnvironmentSchema, { ...environment, id: "e2" }), null, 2);
  insert.run("secret", "s1", toBinary(SecretSchema, secret), Buffer.from("sealed"), 3);
  insert.run("host-token", "t1", toBinary(HostAuthenticationTokenSchema, token), Buffer.from("sealed too"), 4);
  old.close();
}

test("what a database of version 1 holds is there, is found by its columns, and can be changed", async () => {
  fillVersion1(false);
  const store = open();
  const organization = store.inOrganization(organizationId);
  expect((await organization.get(environmentKind, "e1"))?.message).toEqual(environment);
  const where = { creatorIds: [creator.id], runnerIds: ["r1"], phases: [EnvironmentPhase.STOPPED], isArchived: true, search: "my APP" };
  expect((await organization.all(environmentKind, { where: { ...where, expiresBeforeMs: 10 } })).map(({ id }) => id)).toEqual(["e1"]);
  expect((await organization.find(environmentKind, { nameKey: environmentNameKey(creator.id, "my-app") }))?.id).toBe("e1");
  expect((await organization.all(secretKind, { where: { parentIds: [creator.id] } }))[0]?.message).toEqual(secret);
  expect(Buffer.from((await organization.sealed(secretKind, "s1")) ?? []).toString()).toBe("sealed");
  expect((await organization.all(hostTokenKind, { where: { creatorIds: [creator.id] } }))[0]?.message).toEqual(token);
  const second = organization.transaction(async (tx) => tx.insert(secretKind, "s2", { ...secret, id: "s2" }));
  await expect(second).rejects.toMatchObject({ code: "resource-exists" });
  // The same columns as a change writes.
  const rows = async (): Promise<unknown> => {
    const database = openDatabase(path);
    const found = database.prepare("SELECT * FROM resources ORDER BY id").all();
    database.close();
    return found.map((row) => ({ ...row, revision: 0, created_at_ms: 0 }));
  };
  const migrated = await rows();
  await organization.transaction(async (tx) => {
    for (const kind of [environmentKind, secretKind, hostTokenKind] as const)
      for (const stored of await tx.all<(typeof kind)["schema"]>(kind)) tx.update<(typeof kind)["schema"]>(kind, stored, stored.message);
  });
  expect(await rows()).toEqual(migrated);
  await store.close();
});

test("two environments of one name, which never could be, do not keep a database from opening", async () => {
  fillVersion1(true);
  const store = open();
  expect((await store.inOrganization(organizationId).all(environmentKind)).map(({ id }) => id)).toEqual(["e1", "e2"]);
  await store.close();
});
