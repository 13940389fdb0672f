import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Client } from "pg";
import { silentLog } from "../../../src/lib/log.ts";
import { carriedMessageKind } from "../../../src/plane/runner-store/kinds.ts";
import { PostgresFanOut } from "../../../src/plane/runner-store/postgres-fan-out.ts";
import { removeExpiredRecords } from "../../../src/plane/runner-store/remove-expired-records.ts";
import type { Store } from "../../../src/plane/store/store.ts";
import { StallingProxy } from "../../support/stalling-proxy.ts";
import { postgresDatabases } from "../store/databases.ts";

const databases = postgresDatabases();
let url: string;
let store: Store;
let fanOuts: PostgresFanOut[] = [];

beforeAll(async () => databases.start());
afterAll(async () => databases.stop());
beforeEach(async () => {
  url = await databases.make();
  store = await databases.open(url);
});
afterEach(async () => {
  for (const fanOut of fanOuts) await fanOut.stop();
  fanOuts = [];
  await store.close();
});

async function start(processId: string, by = url): Promise<PostgresFanOut> {
  const fanOut = new PostgresFanOut({ url: by, processId, store, log: silentLog, now: () => Date.now() });
  fanOuts.push(fanOut);
  await fanOut.start();
  return fanOut;
}

function heardBy(fanOut: PostgresFanOut, topic: string): string[] {
  const heard: string[] = [];
  fanOut.subscribe(topic, (message) => void heard.push(Buffer.from(message).toString("latin1")));
  return heard;
}

test("a message reaches every process once, the sender too, in order, by topic", async () => {
  const [one, other] = [await start("one"), await start("other")];
  const [atOne, atOther, elsewhere] = [heardBy(one, "t"), heardBy(other, "t"), heardBy(other, "u")];
  const sent = Array.from({ length: 500 }, (_, index) => `message ${index}`);
  for (const message of sent) void one.publish("t", Buffer.from(message));
  await expect.poll(() => [atOne.length, atOther.length]).toEqual([500, 500]);
  expect(atOne).toEqual(sent);
  expect(atOther).toEqual(sent);
  expect(elsewhere).toEqual([]);
});

test("messages of every length arrive whole, and what carried the long ones is removed after a while", async () => {
  const [one, other] = [await start("one"), await start("other")];
  const heard = heardBy(other, "t");
  const sizes = [0, 1, 5000, 5800, 5900, 6000, 7900, 8000, 8001, 100_000];
  const sent = sizes.map((size) => randomBytes(size));
  for (const message of sent) await one.publish("t", message);
  await expect.poll(() => heard.length).toBe(sizes.length);
  expect(heard.toSorted()).toEqual(sent.map((message) => message.toString("latin1")).toSorted());
  const kept = async () => store.system("installation").count(carriedMessageKind);
  expect(await kept()).toBeGreaterThan(0);
  await removeExpiredRecords(store, Date.now());
  expect(await kept()).toBeGreaterThan(0);
  await removeExpiredRecords(store, Date.now() + 10 * 60_000);
  expect(await kept()).toBe(0);
});

test("a connection that breaks is made anew; this process hears itself all the while", async () => {
  const [one, other] = [await start("one"), await start("other")];
  const [atOne, atOther] = [heardBy(one, "t"), heardBy(other, "t")];
  const killer = new Client({ connectionString: url });
  await killer.connect();
  await killer.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'berth-plane fan-out'");
  await killer.end();
  await one.publish("t", Buffer.from("meanwhile"));
  await expect.poll(() => atOne).toContain("meanwhile");
  await expect
    .poll(
      async () => {
        await one.publish("t", Buffer.from("again"));
        return atOther;
      },
      { timeout: 20_000, interval: 200 },
    )
    .toContain("again");
});

test("a connection that carries nothing any more is given up, and another one is made", async () => {
  const { pathname, searchParams } = new URL(url.replace("@/", "@localhost/"));
  const proxy = await StallingProxy.start(`${searchParams.get("host")}/.s.PGSQL.${searchParams.get("port")}`);
  const [one, other] = [await start("one", `postgres://berth@127.0.0.1:${proxy.port}${pathname}`), await start("other")];
  const atOther = heardBy(other, "t");
  proxy.stallOld();
  await one.publish("t", Buffer.from("lost"));
  await expect
    .poll(
      async () => {
        await one.publish("t", Buffer.from("again"));
        return atOther;
      },
      { timeout: 30_000, interval: 200 },
    )
    .toContain("again");
  await one.stop();
  await proxy.close();
});
