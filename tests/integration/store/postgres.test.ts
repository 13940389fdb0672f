import { create } from "@bufbuild/protobuf";
import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EnvironmentSchema } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { silentLog } from "../../../src/lib/log.ts";
import { environmentKind } from "../../../src/plane/store/kinds.ts";
import { PageTokens } from "../../../src/plane/store/page-tokens.ts";
import { openPostgresStore } from "../../../src/plane/store/postgres/open-postgres-store.ts";
import type { Store } from "../../../src/plane/store/store.ts";
import { ThrowawayPostgres } from "../../support/postgres.ts";

const organizationId = "018f0000-0000-7000-8000-0000000000a1";
/** Well below the second after which the outbox is looked at without a notification. */
const notifiedWithinMs = 500;
const eventLimitMs = 20_000;

let server: ThrowawayPostgres;
beforeAll(async () => void (server = await ThrowawayPostgres.start()));
afterAll(async () => server.stop());

async function open(url: string): Promise<Store> {
  return openPostgresStore({ url, tokens: new PageTokens(new Uint8Array(32)), now: () => Date.now(), log: silentLog });
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function insert(store: Store, id: string): Promise<void> {
  const message = create(EnvironmentSchema, { id, metadata: { organizationId, name: id } });
  await store.inOrganization(organizationId).transaction(async (tx) => tx.insert(environmentKind, id, message));
}

function idsToldBy(store: Store): string[] {
  const ids: string[] = [];
  store.events.subscribe(({ id }) => ids.push(id));
  return ids;
}

test("several processes that start on one new database at once bring it up together", async () => {
  const url = await server.database();
  const stores = await Promise.all(Array.from({ length: 4 }, async () => open(url)));
  await Promise.all(stores.map(async (store, n) => insert(store, `e${n}`)));
  for (const store of stores) expect(await store.inOrganization(organizationId).count(environmentKind)).toBe(4);
  await Promise.all(stores.map(async (store) => store.close()));
});

test("a database of a newer version is refused and left as it is", async () => {
  const url = await server.database();
  await (await open(url)).close();
  await withClient(url, async (client) => client.query("INSERT INTO berth_migrations (version) VALUES (1000)"));
  await expect(open(url)).rejects.toMatchObject({ code: "store-too-new" });
});

test("a server that is not there is said to be so", async () => {
  await expect(open("postgres://berth@/none?host=/nonexistent&port=1")).rejects.toMatchObject({ code: "store-unavailable" });
});

test("what one process commits the others are told of, by a notification", async () => {
  const url = await server.database();
  const [one, other] = [await open(url), await open(url)];
  const told = [idsToldBy(one), idsToldBy(other)];
  await insert(one, "first");
  await expect.poll(() => told, { timeout: notifiedWithinMs, interval: 5 }).toEqual([["first"], ["first"]]);
  await insert(other, "second");
  await expect.poll(() => told, { timeout: notifiedWithinMs, interval: 5 }).toEqual(Array(2).fill(["first", "second"]));
  await Promise.all([one.close(), other.close()]);
});

test("a change that nobody was notified of is told all the same", async () => {
  const url = await server.database();
  const store = await open(url);
  const told = idsToldBy(store);
  await withClient(url, async (client) =>
    client.query(
      `INSERT INTO events (organization_id, kind, id, operation, creator_id, parent_id, created_at_ms)
       VALUES ($1, 'environment', 'silent', 1, '', '', 0)`,
      [organizationId],
    ),
  );
  await expect.poll(() => told, { timeout: eventLimitMs }).toEqual(["silent"]);
  await store.close();
});

test("a transaction that began earlier and ends later is not overtaken", async () => {
  const url = await server.database();
  const store = await open(url);
  const told = idsToldBy(store);
  await withClient(url, async (client) => {
    await client.query("BEGIN");
    await client.query(
      `INSERT INTO events (organization_id, kind, id, operation, creator_id, parent_id, created_at_ms)
       VALUES ($1, 'environment', 'slow', 1, '', '', 0)`,
      [organizationId],
    );
    await insert(store, "quick");
    // Time in which a feed that goes by sequence numbers would have told of it, and then missed the other for good.
    await expect.poll(async () => store.inOrganization(organizationId).count(environmentKind)).toBe(1);
    await insert(store, "quick too");
    expect(told).toEqual([]);
    await client.query("COMMIT");
  });
  await expect.poll(() => told, { timeout: eventLimitMs }).toEqual(["slow", "quick", "quick too"]);
  await store.close();
});

test("with the database gone calls fail clearly; when it is back all goes on and nothing was lost", async () => {
  const url = await server.database();
  const [store, other] = [await open(url), await open(url)];
  const told = idsToldBy(other);
  await insert(store, "before");
  await server.halt();
  await expect(insert(store, "meanwhile")).rejects.toMatchObject({ code: "store-unavailable" });
  await expect(store.ping(AbortSignal.timeout(5000))).rejects.toMatchObject({ code: "store-unavailable" });
  await server.begin();
  await store.ping(AbortSignal.timeout(5000));
  await insert(store, "after");
  await expect.poll(() => told, { timeout: eventLimitMs }).toEqual(["before", "after"]);
  await Promise.all([store.close(), other.close()]);
});
