import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type Gitpod from "@gitpod/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EnvironmentPhase } from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { EventService, ResourceOperation } from "../../src/contract/gen/gitpod/v1/event_pb.js";
import { ServedPlane, unknownId } from "./served-plane.ts";

let served: ServedPlane;
let client: Gitpod;

beforeAll(async () => {
  served = await ServedPlane.start();
  ({ client } = served);
});
afterAll(async () => served.close());

type Stream = Awaited<ReturnType<typeof client.events.watch>>;

async function take(stream: Stream, count: number): Promise<string[]> {
  const seen: string[] = [];
  for await (const { operation, resourceType, resourceId } of stream) {
    expect(resourceType).toBe("RESOURCE_TYPE_ENVIRONMENT");
    seen.push(`${operation?.replace("RESOURCE_OPERATION_", "")} ${resourceId}`);
    if (seen.length === count) break;
  }
  stream.controller.abort();
  return seen;
}

test("tells of the organization's environments as JSON lines, in order", async () => {
  const stream = await client.events.watch({ organization: true });
  const id = await served.make();
  await served.observe(id, { phase: EnvironmentPhase.RUNNING });
  // The same once more is no event.
  await served.observe(id, { phase: EnvironmentPhase.RUNNING });
  await client.environments.stop({ environmentId: id });
  await served.plane.environmentStore.remove(id);
  expect(await take(stream, 4)).toEqual([`CREATE ${id}`, `UPDATE_STATUS ${id}`, `UPDATE ${id}`, `DELETE ${id}`]);
});

test("without a scope the organization is watched", async () => {
  const stream = await client.events.watch({});
  const id = await served.make();
  expect(await take(stream, 1)).toEqual([`CREATE ${id}`]);
});

test("an environment's watcher hears of that environment alone", async () => {
  const id = await served.make();
  const stream = await client.events.watch({ environmentId: id });
  await served.make();
  await client.environments.stop({ environmentId: id });
  expect(await take(stream, 1)).toEqual([`UPDATE ${id}`]);
});

test("filters by type, by resource and by creator", async () => {
  const { user } = await client.users.getAuthenticatedUser({});
  const id = await served.make();
  const watch = async (filter: object): Promise<Stream> =>
    client.events.watch({ organization: true, resourceTypeFilters: [filter] } as Gitpod.EventWatchParams);
  const byId = await watch({ resourceType: "RESOURCE_TYPE_ENVIRONMENT", resourceIds: [id] });
  const byCreator = await watch({ resourceType: "RESOURCE_TYPE_ENVIRONMENT", creatorIds: [user.id] });
  const byOtherCreator = await watch({ resourceType: "RESOURCE_TYPE_ENVIRONMENT", creatorIds: [unknownId], resourceIds: [] });
  const byOtherType = await watch({ resourceType: "RESOURCE_TYPE_PROJECT" });
  const other = await served.make();
  await client.environments.stop({ environmentId: id });
  expect(await take(byId, 1)).toEqual([`UPDATE ${id}`]);
  expect(await take(byCreator, 2)).toEqual([`CREATE ${other}`, `UPDATE ${id}`]);
  for (const silent of [byOtherCreator, byOtherType]) {
    setImmediate(() => silent.controller.abort());
    expect(await take(silent, 1).catch(() => [])).toEqual([]);
  }
});

test.each<[string, number, object]>([
  ["an environment nobody has", 404, { environmentId: unknownId }],
  ["an id that is none", 404, { environmentId: "x/../y" }],
  ["a filter without a type", 400, { organization: true, resourceTypeFilters: [{}] }],
  ["an unknown type", 400, { organization: true, resourceTypeFilters: [{ resourceType: "RESOURCE_TYPE_NONSENSE" }] }],
])("refuses to watch %s", async (_what, status, request) => {
  await expect(client.events.watch(request)).rejects.toMatchObject({ status });
});

test("refuses filters where one environment is watched", async () => {
  const id = await served.make();
  const request = { environmentId: id, resourceTypeFilters: [{ resourceType: "RESOURCE_TYPE_ENVIRONMENT" }] };
  await expect(client.events.watch(request as Gitpod.EventWatchParams)).rejects.toMatchObject({ status: 400 });
});

test("Connect clients watch the same events, and are refused the same way", async () => {
  const events = createClient(EventService, createConnectTransport({ httpVersion: "1.1", baseUrl: served.baseUrl }));
  const stop = new AbortController();
  const id = await served.make();
  const seen = events.watchEvents({ scope: { case: "environmentId", value: id } }, { signal: stop.signal })[Symbol.asyncIterator]();
  const first = seen.next();
  // The first answer arrives with the first event, so changes go on until one was seen.
  let change = 0;
  const changing = setInterval(() => void client.environments.update({ environmentId: id, metadata: { name: `n${change++}` } }), 20);
  expect((await first).value).toMatchObject({ operation: ResourceOperation.UPDATE, resourceId: id });
  clearInterval(changing);
  stop.abort();
  await expect(
    events
      .watchEvents({ scope: { case: "environmentId", value: unknownId } })
      [Symbol.asyncIterator]()
      .next(),
  ).rejects.toThrow(/environment was not found/);
});
