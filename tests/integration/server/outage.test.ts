import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EventService } from "../../../src/contract/gen/gitpod/v1/event_pb.js";
import { GroupService } from "../../../src/contract/gen/gitpod/v1/group_pb.js";
import { ThrowawayPostgres } from "../../support/postgres.ts";
import { postgresDatabases } from "../store/databases.ts";
import type { Person } from "./people.ts";
import { codeOf, ServedServer } from "./served-server.ts";

/** Longer than the pool keeps a connection that broke, and than its first tries to connect again. */
const outageMs = 15_000;
/** Until when calls succeed again once the database is back. */
const healLimitMs = 20_000;
const pauseMs = 100;

let postgres: ThrowawayPostgres;
let server: ServedServer;
let ada: Person;

beforeAll(async () => {
  postgres = await ThrowawayPostgres.start();
  server = await ServedServer.start({ ...postgresDatabases(), make: async () => postgres.database() });
  ada = await server.founder("Ada");
}, 60_000);
afterAll(async () => {
  await server.stop();
  await postgres.stop();
});

test("while the database is gone calls say so, and afterwards nothing that was acknowledged is missing", async () => {
  const groups = server.as(ada, GroupService);
  const acknowledged: string[] = [];
  const codes = new Set<Code | undefined>();
  let isOver = false;
  const writer = async (name: string): Promise<void> => {
    for (let n = 0; !isOver; n++) {
      const group = `${name} ${n}`;
      const code = await codeOf(groups.createGroup({ organizationId: ada.organizationId, name: group }, { timeoutMs: 30_000 }));
      codes.add(code);
      if (code === undefined) acknowledged.push(group);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  const writers = ["a", "b", "c"].map(writer);
  await expect.poll(() => acknowledged.length, { timeout: healLimitMs }).toBeGreaterThan(5);
  await postgres.halt();
  await expect.poll(() => codes.has(Code.Unavailable), { timeout: healLimitMs }).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, outageMs));
  const { length } = acknowledged;
  await postgres.begin();
  await expect.poll(() => acknowledged.length, { timeout: healLimitMs }).toBeGreaterThan(length + 5);
  isOver = true;
  await Promise.all(writers);
  expect(codes).toEqual(new Set([undefined, Code.Unavailable]));
  const names = new Set<string>();
  for (let token = "", pages = 0; pages === 0 || token !== ""; pages++) {
    const page = await groups.listGroups({ pagination: { pageSize: 100, token } });
    for (const { name } of page.groups) names.add(name);
    token = page.pagination?.nextToken ?? "";
  }
  expect(acknowledged.filter((name) => !names.has(name))).toEqual([]);
  const { entries } = await server.as(ada, EventService).listAuditLogs({ pagination: { pageSize: 100 } });
  // Each change with its entry, also where nobody could be told of it.
  expect(entries.length).toBe(Math.min(100, names.size));
}, 120_000);
