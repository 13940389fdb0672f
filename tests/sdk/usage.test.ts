import { create } from "@bufbuild/protobuf";
import Gitpod from "@gitpod/sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { EnvironmentPhase, EnvironmentSchema, EnvironmentStatusSchema } from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { Principal } from "../../src/contract/gen/gitpod/v1/identity_pb.js";
import { EnvironmentClassSchema, RunnerKind } from "../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerSchema } from "../../src/contract/gen/gitpod/v1/runner_pb.js";
import { Resolution, UsageService } from "../../src/contract/gen/gitpod/v1/usage_pb.js";
import { uuidV7 } from "../../src/lib/uuid.ts";
import { EnvironmentTokens } from "../../src/plane/runner-store/environment-tokens.ts";
import { StoredRunnerEnvironments } from "../../src/plane/runner-store/stored-runner-environments.ts";
import { environmentClassKind, runnerKind } from "../../src/plane/store/fleet-kinds.ts";
import { environmentKind } from "../../src/plane/store/kinds.ts";
import type { Person } from "../integration/server/people.ts";
import { codeOf, ServedServer } from "../integration/server/served-server.ts";
import { postgresDatabases, sqliteDatabases } from "../integration/store/databases.ts";

const { STARTING, RUNNING, UPDATING, STOPPING, STOPPED } = EnvironmentPhase;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** A Wednesday. */
const noonMs = Date.parse("2026-03-04T12:00:00Z");

function at(ms: number): string {
  return new Date(ms).toISOString();
}

describe.each([sqliteDatabases(), postgresDatabases()])("usage on a server with $name", (databases) => {
  let server: ServedServer;
  let ada: Person;
  let client: Gitpod;
  let runnerId: string;
  let classId: string;
  let nowMs: number;

  beforeAll(async () => {
    await databases.start();
    server = await ServedServer.start(databases);
  });
  afterAll(async () => {
    await server.stop();
    await databases.stop();
  });
  beforeEach(async () => {
    nowMs = noonMs;
    ada = await server.founder("Ada");
    client = new Gitpod({ bearerToken: ada.token, baseURL: server.baseUrl, maxRetries: 0 });
    runnerId = uuidV7(Date.now());
    classId = uuidV7(Date.now());
    await server.store.inOrganization(ada.organizationId).transaction(async (tx) => {
      tx.insert(runnerKind, runnerId, create(RunnerSchema, { runnerId, name: "rack", kind: RunnerKind.REMOTE }));
      const message = create(EnvironmentClassSchema, { id: classId, runnerId, displayName: "Small", enabled: true });
      tx.insert(environmentClassKind, classId, message);
    });
  });

  async function project(name: string): Promise<string> {
    const initializer = { specs: [{ contextUrl: { url: `https://github.com/o/${name}` } }] };
    return (await client.projects.create({ name, environmentClass: {}, initializer })).project?.id ?? "";
  }

  /** As a server process has it; each is another. */
  function runners(): StoredRunnerEnvironments {
    return new StoredRunnerEnvironments({
      store: server.store,
      tokens: new EnvironmentTokens(server.store, Buffer.alloc(32)),
      now: () => nowMs,
    });
  }

  async function environmentOf(person: Person, projectId = ""): Promise<string> {
    const id = uuidV7(Date.now());
    const creator = { id: person.userId, principal: Principal.USER };
    const metadata = { organizationId: person.organizationId, runnerId, projectId, creator, name: `environment ${id}` };
    const spec = { specVersion: 1n, machine: { class: classId } };
    const environment = create(EnvironmentSchema, { id, metadata, spec, status: { statusVersion: 1n } });
    await server.store.inOrganization(person.organizationId).transaction(async (tx) => tx.insert(environmentKind, id, environment));
    return id;
  }

  /** What a runner tells, each so long after the one before. */
  async function observe(id: string, ...phases: readonly (readonly [EnvironmentPhase, number])[]): Promise<void> {
    for (const [phase, lastsMs] of phases) {
      await runners().report(runnerId, id, async () => create(EnvironmentStatusSchema, { phase }));
      nowMs += lastsMs;
    }
  }

  async function records(filter?: Gitpod.UsageListEnvironmentRuntimeRecordsParams.Filter): Promise<Gitpod.EnvironmentUsageRecord[]> {
    const listed: Gitpod.EnvironmentUsageRecord[] = [];
    const params = { pagination: { pageSize: 1 }, ...(filter === undefined ? {} : { filter }) };
    for await (const record of client.usage.listEnvironmentRuntimeRecords(params)) listed.push(record);
    return listed;
  }

  test("a record is from when an environment ran until it did not, whichever process was told", async () => {
    const projectId = await project("used");
    const id = await environmentOf(ada, projectId);
    await observe(id, [STARTING, minuteMs], [RUNNING, minuteMs], [RUNNING, minuteMs], [UPDATING, minuteMs], [RUNNING, minuteMs]);
    // Of what still runs there is none yet.
    expect(await records()).toEqual([]);
    await observe(id, [STOPPING, minuteMs], [STOPPED, hourMs], [RUNNING, 2 * minuteMs], [STOPPED, minuteMs]);
    const listed = await records();
    expect(listed).toMatchObject([
      {
        environmentId: id,
        userId: ada.userId,
        projectId,
        runnerId,
        environmentClassId: classId,
        createdAt: expect.stringContaining("12:01:00"),
        stoppedAt: expect.stringContaining("12:05:00"),
      },
      { environmentId: id, createdAt: expect.stringContaining("13:06:00"), stoppedAt: expect.stringContaining("13:08:00") },
    ]);
    const dateRange = { startTime: at(noonMs + 5 * minuteMs), endTime: at(noonMs + hourMs) };
    expect(await records({ dateRange, projectId })).toEqual([listed[0]]);
    expect(await records({ dateRange: { startTime: at(noonMs), endTime: at(noonMs + 5 * minuteMs) } })).toEqual([]);
    expect(await records({ dateRange, projectId: uuidV7(1) }).catch((error: unknown) => error)).toBeInstanceOf(Gitpod.NotFoundError);
  });

  test("what is deleted while it runs was used until then, and stays known", async () => {
    const id = await environmentOf(ada);
    await observe(id, [RUNNING, minuteMs]);
    await runners().report(runnerId, id, async () => "forgotten");
    const forced = await environmentOf(ada);
    await observe(forced, [RUNNING, minuteMs]);
    await client.runners.delete({ runnerId, force: true });
    expect((await records()).map(({ environmentId }) => environmentId)).toEqual([id, forced]);
  });

  test("counts, sums and ranks what ran, and says how much more that is than before", async () => {
    const bob = await server.member(ada.organizationId, "Bob");
    const [first, second] = [await project("first"), await project("second")];
    const [early, adas, bobs] = [await environmentOf(ada, first), await environmentOf(ada, second), await environmentOf(bob, second)];
    await observe(early, [RUNNING, hourMs], [STOPPED, hourMs]);
    await observe(adas, [RUNNING, hourMs / 2], [STOPPED, hourMs / 2]);
    await observe(bobs, [RUNNING, hourMs], [STOPPED, 0]);
    const usage = server.as(ada, UsageService);
    const dateRange = { startTime: stamp(noonMs + 2 * hourMs), endTime: stamp(noonMs + 4 * hourMs) };
    expect(await usage.getEnvironmentRuntime({ dateRange })).toMatchObject({ totalRuntimeSeconds: 5400n, trend: 0.5 });
    expect(await usage.getEnvironmentRuntime({ dateRange, projectId: first })).toMatchObject({ totalRuntimeSeconds: 0n, trend: -1 });
    expect(await usage.getActiveUsersCount({ dateRange })).toMatchObject({ count: 2n, trend: 1 });
    expect(await usage.getActiveEnvironmentsCount({ dateRange })).toMatchObject({ count: 2n, trend: 1 });
    const hourly = { dateRange: { startTime: stamp(noonMs), endTime: stamp(noonMs + 4 * hourMs) }, resolution: Resolution.HOURLY };
    const valuesOf = (points: readonly { value: number }[]): number[] => points.map(({ value }) => value);
    expect(valuesOf((await usage.getEnvironmentRuntimeTimeSeries(hourly)).totalRuntime)).toEqual([3600, 0, 1800, 3600]);
    expect(valuesOf((await usage.getActiveEnvironmentsTimeSeries(hourly)).activeEnvironments)).toEqual([1, 0, 1, 1]);
    expect(valuesOf((await usage.getEnvironmentSessionsTimeSeries(hourly)).sessions)).toEqual([1, 0, 1, 1]);
    const users = await usage.getActiveUsersTimeSeries(hourly);
    expect(valuesOf(users.weeklyActiveUsers)).toEqual([1, 1, 1, 2]);
    expect(valuesOf(users.weeklyActiveReturningUsers)).toEqual([0, 0, 0, 0]);
    const all = { dateRange: hourly.dateRange };
    const page = await usage.getTopProjects({ ...all, pagination: { pageSize: 1 } });
    expect(page.projects).toMatchObject([{ projectId: second, projectName: "second", totalRuntimeSeconds: 5400n }]);
    const rest = await usage.getTopProjects({ ...all, pagination: { pageSize: 1, token: page.pagination?.nextToken ?? "" } });
    expect(rest).toMatchObject({ projects: [{ projectId: first, totalRuntimeSeconds: 3600n }], pagination: { nextToken: "" } });
    expect((await usage.getTopEnvironmentClasses(all)).environmentClasses).toMatchObject([
      { environmentClassId: classId, environmentClassName: "Small", runnerName: "rack", totalRuntimeSeconds: 9000n },
    ]);
    expect((await usage.getTopActiveUsers(all)).users).toMatchObject([
      { userName: "Ada", totalRuntimeSeconds: 5400 },
      { userName: "Bob", totalRuntimeSeconds: 3600 },
    ]);
  });

  test("is for who may see an organization's usage, of their own organization", async () => {
    await observe(await environmentOf(ada), [RUNNING, minuteMs], [STOPPED, 0]);
    const bob = await server.member(ada.organizationId, "Bob");
    expect(await codeOf(server.as(bob, UsageService).listEnvironmentUsageRecords({}))).toBeDefined();
    const eve = await server.founder("Eve");
    expect((await server.as(eve, UsageService).listEnvironmentUsageRecords({})).records).toEqual([]);
    const dateRange = { startTime: stamp(noonMs), endTime: stamp(noonMs + hourMs) };
    expect(await server.as(eve, UsageService).getActiveUsersCount({ dateRange })).toMatchObject({ count: 0n });
  });
});

function stamp(ms: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(ms / 1000), nanos: 0 };
}
