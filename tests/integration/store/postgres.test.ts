import { create } from "@bufbuild/protobuf";
import { randomBytes } from "node:crypto";
import { PostgresAdapter, PostgresQueryCompiler } from "kysely";
import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EnvironmentSchema } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { type Log, silentLog } from "../../../src/lib/log.ts";
import type { Row } from "../../../src/plane/store/backend.ts";
import { pruneBatchSize } from "../../../src/plane/store/event-queries.ts";
import { environmentKind } from "../../../src/plane/store/kinds.ts";
import { PageTokens } from "../../../src/plane/store/page-tokens.ts";
import { EventFeed } from "../../../src/plane/store/postgres/event-feed.ts";
import { openPostgresStore } from "../../../src/plane/store/postgres/open-postgres-store.ts";
import type { Store } from "../../../src/plane/store/store.ts";
import { queryBuilder } from "../../../src/plane/store/tables.ts";
import { ThrowawayPostgres } from "../../support/postgres.ts";

const organizationId = "018f0000-0000-7000-8000-0000000000a1";
/** Who goes by the outbox alone is told a second after the change before, so that these take much longer. */
const notifiedChanges = 20;
const notifiedWithinMs = 10_000;
const eventLimitMs = 20_000;

let server: ThrowawayPostgres;
beforeAll(async () => void (server = await ThrowawayPostgres.start()));
afterAll(async () => server.stop());

async function open(url: string, log: Log = silentLog): Promise<Store> {
  return openPostgresStore({ url, tokens: new PageTokens(new Uint8Array(32)), now: () => Date.now(), log });
}

/** Resolves once so many processes hear notifications. */
async function listening(url: string, count: number): Promise<void> {
  const query = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %' AND state = 'idle'";
  await withClient(url, async (client) => expect.poll(async () => (await client.query(query)).rowCount).toBe(count));
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
  await listening(url, 2);
  const startMs = performance.now();
  const ids: string[] = [];
  for (let n = 0; n < notifiedChanges; n++) {
    await insert(n % 2 === 0 ? one : other, `change ${n}`);
    ids.push(`change ${n}`);
    await expect.poll(() => told, { timeout: eventLimitMs, interval: 5 }).toEqual([ids, ids]);
  }
  expect(performance.now() - startMs).toBeLessThan(notifiedWithinMs);
  await Promise.all([one.close(), other.close()]);
});

test("a change that nobody was notified of is told all the same", async () => {
  const url = await server.database();
  const store = await open(url);
  const told = idsToldBy(store);
  // Who begins to listen looks at once.
  await listening(url, 1);
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
  const start = await store.events.position();
  await withClient(url, async (client) => {
    await client.query("BEGIN");
    await client.query(
      `INSERT INTO events (organization_id, kind, id, operation, creator_id, parent_id, created_at_ms)
       VALUES ($1, 'environment', 'slow', 1, '', '', 0)`,
      [organizationId],
    );
    await insert(store, "quick");
    await insert(store, "quick too");
    // Who went by sequence numbers would be given them now, and miss the other for good.
    expect(await store.events.after(start, 10)).toEqual([]);
    expect(told).toEqual([]);
    await client.query("COMMIT");
  });
  await expect.poll(() => told, { timeout: eventLimitMs }).toEqual(["slow", "quick", "quick too"]);
  await store.close();
});

test("old events are taken away in parts, but for those that nobody could read yet", async () => {
  const url = await server.database();
  await (await open(url)).close();
  const insertOld = (count: number): string =>
    `INSERT INTO events (organization_id, kind, id, operation, creator_id, parent_id, created_at_ms)
     SELECT 'o', 'environment', 'old', 1, '', '', 0 FROM generate_series(1, ${count})`;
  await withClient(url, async (client) => {
    const rows: ConstructorParameters<typeof EventFeed>[0]["rows"] = async ({ sql, parameters }) =>
      (await client.query<Row>(sql, [...parameters])).rows;
    const build = queryBuilder({ compiler: () => new PostgresQueryCompiler(), adapter: () => new PostgresAdapter() });
    const feed = new EventFeed({ build, rows, log: silentLog, now: () => Date.now() });
    const left = async (): Promise<unknown> => (await client.query<Row>("SELECT count(*) AS n FROM events")).rows[0]?.["n"];
    await client.query(insertOld(2 * pruneBatchSize + 1));
    await withClient(url, async (slow) => {
      await slow.query("BEGIN");
      await slow.query(insertOld(1));
      await feed.prune();
      await feed.prune();
      expect(await left()).toBe("0");
      await slow.query("COMMIT");
    });
    // Whoever reads the outbox has not seen it until now.
    await feed.prune();
    expect(await left()).toBe("1");
    await feed.prune();
    expect(await left()).toBe("0");
  });
});

test("a key that is too long for an index is the request's fault", async () => {
  const store = await open(await server.database());
  // At random, for PostgreSQL packs what it can.
  await expect(insert(store, randomBytes(10_000).toString("hex"))).rejects.toMatchObject({ code: "request-invalid" });
  await store.close();
});

test("with the database gone calls fail clearly; when it is back all goes on and nothing was lost", async () => {
  const url = await server.database();
  const reasons: unknown[] = [];
  const log: Log = { ...silentLog, error: (_message, fields) => void reasons.push(fields?.["reason"]) };
  const [store, other] = [await open(url, log), await open(url)];
  const told = idsToldBy(other);
  await insert(store, "before");
  await server.halt();
  await expect(insert(store, "meanwhile")).rejects.toMatchObject({
    code: "store-unavailable",
    detail: "nothing is known of the change's fate where one was under way",
  });
  // Where the database is concerns the log alone.
  expect(JSON.stringify(reasons)).toMatch(/ENOENT|ECONNREFUSED|terminat/);
  await expect(store.ping(AbortSignal.timeout(5000))).rejects.toMatchObject({ code: "store-unavailable" });
  await server.begin();
  await store.ping(AbortSignal.timeout(20_000));
  await insert(store, "after");
  await expect.poll(() => told, { timeout: eventLimitMs }).toEqual(["before", "after"]);
  await Promise.all([store.close(), other.close()]);
});
