import type Gitpod from "@gitpod/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EnvironmentPhase } from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { fromUrl, ServedPlane, unknownId } from "./served-plane.ts";

let served: ServedPlane;
let client: Gitpod;
/** Seven environments, a minute apart. */
const ids: string[] = [];
const minuteMs = 60_000;
const sessionId = "018f0000-0000-7000-8000-0000000000aa";

beforeAll(async () => {
  served = await ServedPlane.start();
  ({ client } = served);
  for (let n = 0; n < 7; n++) {
    ids.push(
      await served.make({
        name: `env ${n}`,
        ...(n === 3 ? { sessionId } : {}),
        ...(n === 4 ? { spec: { content: fromUrl("https://gitlab.com/group/Special") } } : {}),
      }),
    );
    served.nowMs += minuteMs;
  }
  await served.observe(ids[1] ?? "", { phase: EnvironmentPhase.RUNNING });
  // Archived in the order 6, 5, so that the order of archiving is not the order of creation.
  for (const n of [6, 5]) {
    await client.post("/gitpod.v1.EnvironmentService/ArchiveEnvironment", { body: { environmentId: ids[n] } });
    served.nowMs += minuteMs;
  }
  await client.environments.update({
    environmentId: ids[2] ?? "",
    metadata: { lockdownAt: new Date(served.nowMs).toISOString() },
  } as Gitpod.EnvironmentUpdateParams);
});
afterAll(async () => served.close());

/** The numbers of the environments that a request finds. */
async function find(request: object): Promise<number[]> {
  const found: number[] = [];
  for await (const { id } of client.environments.list(request)) found.push(ids.indexOf(id));
  return found;
}

async function timeOf(n: number, offsetMs: number): Promise<string> {
  return new Date(Date.parse((await served.get(ids[n] ?? "")).metadata?.createdAt ?? "") + offsetMs).toISOString();
}

test("lists what is not archived, in the order of creation", async () => {
  expect(await find({})).toEqual([0, 1, 2, 3, 4]);
});

test.each<[string, object, number[]]>([
  ["active", { archivalStatus: "ARCHIVAL_STATUS_ACTIVE" }, [0, 1, 2, 3, 4]],
  ["unspecified", { archivalStatus: "ARCHIVAL_STATUS_UNSPECIFIED" }, [0, 1, 2, 3, 4]],
  ["archived", { archivalStatus: "ARCHIVAL_STATUS_ARCHIVED" }, [5, 6]],
  ["all", { archivalStatus: "ARCHIVAL_STATUS_ALL" }, [0, 1, 2, 3, 4, 5, 6]],
  ["search in the name", { search: "ENV 3" }, [3]],
  ["search in the address", { search: "special" }, [4]],
  ["search without a hit", { search: "nothing" }, []],
  ["session", { sessionIds: [sessionId] }, [3]],
  ["unknown session", { sessionIds: [unknownId] }, []],
  ["unknown creator", { creatorIds: [unknownId] }, []],
  ["unknown project", { projectIds: [unknownId] }, []],
  ["unknown runner", { runnerIds: [unknownId] }, []],
  ["role", { roles: ["ENVIRONMENT_ROLE_DEFAULT"] }, [0, 1, 2, 3, 4]],
  ["other role", { roles: ["ENVIRONMENT_ROLE_PREBUILD", "ENVIRONMENT_ROLE_WORKFLOW"] }, []],
  ["phase", { statusPhases: ["ENVIRONMENT_PHASE_RUNNING"] }, [1]],
  ["several phases", { statusPhases: ["ENVIRONMENT_PHASE_RUNNING", "ENVIRONMENT_PHASE_CREATING"] }, [0, 1, 2, 3, 4]],
  ["kind", { runnerKinds: ["RUNNER_KIND_LOCAL"] }, [0, 1, 2, 3, 4]],
  ["other kind", { runnerKinds: ["RUNNER_KIND_REMOTE"] }, []],
  ["two at once", { search: "env", statusPhases: ["ENVIRONMENT_PHASE_RUNNING"] }, [1]],
])("filters by %s", async (_what, filter, expected) => {
  expect(await find({ filter })).toEqual(expected);
});

test("filters by the creator's and the runner's own ids", async () => {
  const { user } = await client.users.getAuthenticatedUser({});
  const [runner] = (await client.runners.list({})).runners;
  expect(await find({ filter: { creatorIds: [unknownId, user.id], runnerIds: [runner?.runnerId] } })).toEqual([0, 1, 2, 3, 4]);
});

test("filters by time: before means before", async () => {
  expect(await find({ filter: { createdBefore: await timeOf(2, 0) } })).toEqual([0, 1]);
  expect(await find({ filter: { createdBefore: await timeOf(2, 1) } })).toEqual([0, 1, 2]);
  expect(await find({ filter: { lockdownBefore: new Date(served.nowMs).toISOString() } })).toEqual([]);
  expect(await find({ filter: { lockdownBefore: new Date(served.nowMs + 1).toISOString() } })).toEqual([2]);
});

test("sorts by id and by time of archiving, both ways", async () => {
  const filter = { archivalStatus: "ARCHIVAL_STATUS_ALL" };
  const sort = (field: string, order: string): object => ({ filter, sort: { field: `SORT_FIELD_${field}`, order: `SORT_ORDER_${order}` } });
  expect(await find(sort("ID", "ASC"))).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(await find(sort("ID", "DESC"))).toEqual([6, 5, 4, 3, 2, 1, 0]);
  expect((await find(sort("ARCHIVED_AT", "ASC"))).slice(-2)).toEqual([6, 5]);
  expect(await find(sort("ARCHIVED_AT", "DESC"))).toEqual([5, 6, 4, 3, 2, 1, 0]);
});

test("counts all that match, not only the page", async () => {
  const answer: unknown = await client.post("/gitpod.v1.EnvironmentService/ListEnvironments", {
    body: { count: { include: true }, pagination: { pageSize: 2 } },
  });
  expect(answer).toMatchObject({ count: { value: 5, relation: "COUNT_RESPONSE_RELATION_EQ" } });
  expect(await client.environments.list({})).not.toHaveProperty("count");
});

test.each(["ASC", "DESC"])("gives every environment once, page by page, %s", async (order) => {
  const sort = { field: "SORT_FIELD_ARCHIVED_AT", order: `SORT_ORDER_${order}` };
  const filter = { archivalStatus: "ARCHIVAL_STATUS_ALL" };
  const before = served.requests.length;
  const found = await find({ filter, sort, pageSize: 3 });
  expect(found).toEqual(await find({ filter, sort }));
  // The SDK asks for the following pages in the query.
  expect(served.requests.slice(before, before + 3).map((path) => path.replace(/token=[\w-]+/, "token=T"))).toEqual([
    "/gitpod.v1.EnvironmentService/ListEnvironments?pageSize=3",
    "/gitpod.v1.EnvironmentService/ListEnvironments?token=T&pageSize=3",
    "/gitpod.v1.EnvironmentService/ListEnvironments?token=T&pageSize=3",
  ]);
});

test("pages by the body as well, and loses nothing when items go and come between two pages", async () => {
  const extra: string[] = [];
  for (const name of ["extra 1", "extra 2"]) {
    extra.push(await served.make({ name }));
    served.nowMs += minuteMs;
  }
  const first = await client.environments.list({ pagination: { pageSize: 6 } });
  expect(first.environments.map((e) => e.id)).toEqual([...ids.slice(0, 5), extra[0]]);
  // The last one given goes away before the next page is asked for, and another one is made.
  await served.plane.environmentStore.remove(extra[0] ?? "");
  served.nowMs += minuteMs;
  const late = await served.make({ name: "late" });
  const second = await client.environments.list({ pagination: { pageSize: 6, token: first.pagination?.nextToken ?? "" } });
  expect(second.environments.map((e) => e.id)).toEqual([extra[1], late]);
  expect(second.pagination?.nextToken ?? "").toBe("");
  for (const id of [extra[1] ?? "", late]) await served.plane.environmentStore.remove(id);
});

test.each([
  { pagination: { pageSize: 101 } },
  { pagination: { pageSize: -1 } },
  { pagination: { token: "%%%" } },
  { pageSize: 1000 },
  { pageSize: "many" },
  { filter: { runnerIds: ["no id"] } },
  { filter: { search: "x".repeat(257) } },
  { filter: { sessionIds: Array.from({ length: 26 }, () => unknownId) } },
])("refuses %j", async (request) => {
  await expect(client.environments.list(request as object)).rejects.toMatchObject({ status: 400 });
});
