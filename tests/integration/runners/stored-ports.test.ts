import { create } from "@bufbuild/protobuf";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BerthError } from "../../../src/contract/berth-error.ts";
import { EnvironmentPhase, EnvironmentSchema, EnvironmentStatusSchema } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { ResourceOperation } from "../../../src/contract/gen/gitpod/v1/event_pb.js";
import { EnvironmentClassSchema } from "../../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerPhase, RunnerSchema, RunnerStatusSchema } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import { uuidV7 } from "../../../src/lib/uuid.ts";
import { EnvironmentTokens } from "../../../src/plane/runner-store/environment-tokens.ts";
import { StoredRunnerCredentials } from "../../../src/plane/runner-store/stored-runner-credentials.ts";
import { StoredRunnerEnvironments } from "../../../src/plane/runner-store/stored-runner-environments.ts";
import { StoredRunnerRecords } from "../../../src/plane/runner-store/stored-runner-records.ts";
import { StoredRunnerSettings } from "../../../src/plane/runner-store/stored-runner-settings.ts";
import type { RunnerCredential } from "../../../src/plane/runners/ports.ts";
import { environmentClassKind, runnerKind } from "../../../src/plane/store/fleet-kinds.ts";
import { environmentKind } from "../../../src/plane/store/kinds.ts";
import type { Store, StoreEvent } from "../../../src/plane/store/store.ts";
import { postgresDatabases, sqliteDatabases } from "../store/databases.ts";

const { ACTIVE, CREATED } = RunnerPhase;
const organizationId = "0000aaaa-0000-7000-8000-000000000001";

describe.each([sqliteDatabases(), postgresDatabases()])("what the runner protocol keeps in $name", (databases) => {
  let store: Store;
  let runnerId: string;
  beforeAll(async () => databases.start());
  afterAll(async () => databases.stop());
  beforeEach(async () => {
    store = await databases.open(await databases.make());
    runnerId = await addRunner();
  });
  afterEach(async () => store.close());

  async function addRunner(): Promise<string> {
    const id = uuidV7(Date.now());
    const runner = create(RunnerSchema, { runnerId: id, name: "runner", status: { phase: CREATED } });
    await store.inOrganization(organizationId).transaction(async (tx) => tx.insert(runnerKind, id, runner));
    return id;
  }

  async function addEnvironment(ofRunner = runnerId): Promise<string> {
    const id = uuidV7(Date.now());
    const metadata = { organizationId, runnerId: ofRunner, name: `environment ${id}` };
    const environment = create(EnvironmentSchema, { id, metadata, spec: { specVersion: 1n }, status: { statusVersion: 1n } });
    await store.inOrganization(organizationId).transaction(async (tx) => tx.insert(environmentKind, id, environment));
    return id;
  }

  const markActive = async (records: StoredRunnerRecords, id: string, lastActiveMs: number) =>
    records.update(id, (record) => {
      const status = { ...(record.runner.status ?? create(RunnerStatusSchema)), phase: ACTIVE };
      return { ...record, lastActiveMs, runner: { ...record.runner, status } };
    });

  test("a record is what was written, and its watchers hear of what they can see alone", async () => {
    const records = new StoredRunnerRecords(store);
    const told: StoreEvent[] = [];
    await store.events.position();
    const unsubscribe = store.events.subscribe((event) => void told.push(event));
    await markActive(records, runnerId, 5000);
    await records.update(runnerId, (record) => ({ ...record, session: "s", credentialIssuedAtMs: 7, lastActiveMs: 6000 }));
    await records.update(runnerId, () => undefined);
    expect(await records.find(runnerId)).toMatchObject({
      organizationId,
      session: "s",
      pendingSession: "",
      credentialIssuedAtMs: 7,
      lastActiveMs: 6000,
      runner: { status: { phase: ACTIVE } },
    });
    // The runner's own creation may be told late.
    const changes = () =>
      told.flatMap(({ kind, operation }) => (kind === "runner" && operation !== ResourceOperation.CREATE ? [operation] : []));
    await expect.poll(changes).toEqual([ResourceOperation.UPDATE_STATUS]);
    unsubscribe();
    await expect(records.update(uuidV7(1), (record) => record)).rejects.toMatchObject({ code: "resource-not-found" });
    expect(await records.find(uuidV7(1))).toBeUndefined();
  });

  test("changes of one record at once all count", async () => {
    const records = new StoredRunnerRecords(store);
    await records.update(runnerId, (record) => ({ ...record, session: "0" }));
    const add = async () => records.update(runnerId, (record) => ({ ...record, session: String(Number(record.session) + 1) }));
    await Promise.all(Array.from({ length: 5 }, add));
    expect((await records.find(runnerId))?.session).toBe("5");
  });

  test("who went missing is found, and who was marked as gone is not found again", async () => {
    const records = new StoredRunnerRecords(store);
    const others = [await addRunner(), await addRunner()];
    for (const id of [runnerId, ...others]) await markActive(records, id, id === others[1] ? 9000 : 1000);
    expect(new Set(await records.missingSince(5000, 10))).toEqual(new Set([runnerId, others[0]]));
    expect(await records.missingSince(5000, 1)).toHaveLength(1);
    await records.update(runnerId, (record) => {
      const status = { ...(record.runner.status ?? create(RunnerStatusSchema)), phase: RunnerPhase.INACTIVE };
      return { ...record, runner: { ...record.runner, status } };
    });
    expect(await records.missingSince(5000, 10)).toEqual([others[0]]);
  });

  test("of many that take a credential at once, one gets it; older ones are removed by kind", async () => {
    const credentials = new StoredRunnerCredentials(store);
    const credential = (hash: string, kind: RunnerCredential["kind"], issuedAtMs: number): RunnerCredential => ({
      ...{ hash, kind, runnerId, organizationId, issuedAtMs },
      expiresAtMs: kind === "exchange" ? issuedAtMs + 1000 : undefined,
    });
    await credentials.insert(credential("once", "exchange", 1));
    const taken = await Promise.all(Array.from({ length: 8 }, async () => credentials.take("once")));
    expect(taken.filter((one) => one !== undefined)).toEqual([credential("once", "exchange", 1)]);
    for (const [hash, kind, atMs] of [
      ["a", "access", 1],
      ["b", "access", 2],
      ["c", "exchange", 1],
    ] as const)
      await credentials.insert(credential(hash, kind, atMs));
    await credentials.removeIssuedBefore(runnerId, "access", 2);
    expect(await credentials.find("a")).toBeUndefined();
    expect(await credentials.find("b")).toEqual(credential("b", "access", 2));
    await credentials.insert(credential("d", "access", 3));
    await credentials.removeIssuedAfter(runnerId, "access", 2);
    expect(await credentials.find("d")).toBeUndefined();
    await credentials.removeIssuedBefore(runnerId, "exchange", Number.MAX_SAFE_INTEGER);
    expect(await credentials.find("c")).toBeUndefined();
    expect(await credentials.find("b")).toBeDefined();
  });

  test("a runner sees its own environments, page by page, and writes their status alone", async () => {
    const tokens = new EnvironmentTokens(store, Buffer.alloc(32, 1));
    const environments = new StoredRunnerEnvironments({ store, tokens, now: () => Date.now() });
    const own = [await addEnvironment(), await addEnvironment(), await addEnvironment()];
    const others = await addEnvironment(await addRunner());
    const seen: string[] = [];
    for (let token = ""; ;) {
      const page = await environments.list(runnerId, { ids: [], page: { pageSize: 2, token } });
      seen.push(...page.items.map(({ id }) => id));
      token = page.nextToken;
      if (token === "") break;
    }
    expect(seen).toEqual(own.toSorted());
    expect(await environments.find(runnerId, others)).toBeUndefined();
    const [id = ""] = own;
    const status = create(EnvironmentStatusSchema, { phase: EnvironmentPhase.RUNNING });
    await environments.report(runnerId, id, async () => status);
    await environments.report(runnerId, id, async () => status);
    await environments.report(runnerId, others, async (found) => (found === undefined ? status : "forgotten"));
    expect((await environments.find(runnerId, id))?.status).toMatchObject({ phase: EnvironmentPhase.RUNNING, statusVersion: 2n });
    expect((await store.inOrganization(organizationId).get(environmentKind, others))?.message.status?.phase).toBe(0);
    await environments.report(runnerId, others, async () => "forgotten");
    await environments.report(runnerId, id, async () => "forgotten");
    expect(await store.inOrganization(organizationId).get(environmentKind, others)).toBeDefined();
    expect(await environments.find(runnerId, id)).toBeUndefined();
  });

  test("an environment's token is good until its runner has another credential, or it is gone", async () => {
    const tokens = new EnvironmentTokens(store, Buffer.alloc(32, 1));
    const environments = new StoredRunnerEnvironments({ store, tokens, now: () => Date.now() });
    const id = await addEnvironment();
    const show = async () => {
      const found = await environments.find(runnerId, id);
      return (await environments.show(runnerId, found === undefined ? [] : [found]))[0]?.accessToken ?? "";
    };
    const token = await show();
    expect(await tokens.authenticate(token)).toEqual({ id, organizationId });
    const otherId = await addEnvironment();
    expect(await tokens.authenticate(token.replace(id, otherId))).toBeUndefined();
    expect(await new EnvironmentTokens(store, Buffer.alloc(32, 2)).authenticate(token)).toBeUndefined();
    await new StoredRunnerRecords(store).update(runnerId, (record) => ({ ...record, credentialIssuedAtMs: 5 }));
    expect(await tokens.authenticate(token)).toBeUndefined();
    const newer = await show();
    expect(await tokens.authenticate(newer)).toEqual({ id, organizationId });
    await environments.report(runnerId, id, async () => "forgotten");
    expect(await tokens.authenticate(newer)).toBeUndefined();
  });

  test("classes that a runner brings are taken once, also by two sign-ups at once", async () => {
    const settings = new StoredRunnerSettings(store, () => Date.now());
    const classes = ["Small", "Large"].map((displayName) => create(EnvironmentClassSchema, { displayName, description: "as it is" }));
    const offers = await Promise.allSettled([settings.offerClasses(runnerId, classes), settings.offerClasses(runnerId, classes)]);
    expect(offers.some(({ status }) => status === "fulfilled")).toBe(true);
    const failed = offers.filter((offer) => offer.status === "rejected");
    for (const { reason } of failed) expect(reason).toBeInstanceOf(BerthError);
    const page = await settings.classes(runnerId, { ids: [], page: undefined });
    expect(page.items.map(({ displayName }) => displayName).toSorted()).toEqual(["Large", "Small"]);
    expect(page.items.every(({ enabled }) => enabled)).toBe(true);
  });

  test("a class that was given another name keeps its id when the runner offers it again", async () => {
    const settings = new StoredRunnerSettings(store, () => Date.now());
    const classOf = (displayName: string, cpus: string) =>
      create(EnvironmentClassSchema, { displayName, configuration: [{ key: "cpus", value: cpus }] });
    const offered = [classOf("Small", "2"), classOf("Large", "8")];
    const idsByName = async () => {
      const { items } = await settings.classes(runnerId, { ids: [], page: undefined });
      return Object.fromEntries(items.map(({ displayName, id }) => [displayName, id]));
    };
    await settings.offerClasses(runnerId, offered);
    const before = await idsByName();
    await store.inOrganization(organizationId).transaction(async (tx) => {
      const stored = await tx.get(environmentClassKind, before["Small"] ?? "");
      if (stored !== undefined) tx.update(environmentClassKind, stored, { ...stored.message, displayName: "For everybody" });
    });
    await settings.offerClasses(runnerId, [...offered, classOf("Huge", "32")]);
    const unchanged = { "For everybody": before["Small"], Large: before["Large"] };
    expect(await idsByName()).toEqual({ ...unchanged, Huge: expect.any(String) });
  });
});
