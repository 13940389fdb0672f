import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import type { EnvironmentStore } from "../../contract/engine-port.ts";
import { type Environment, EnvironmentPhase, EnvironmentSchema } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { LimitedStore } from "./limited-store.ts";

const limit = 2;

/** Records in memory, as a plane keeps them. */
class Records implements EnvironmentStore {
  readonly all = new Map<string, Environment>();
  readonly #listeners = new Set<(id: string) => void>();

  add(id: string, madeMs: number, desiredPhase = EnvironmentPhase.RUNNING): void {
    this.all.set(id, create(EnvironmentSchema, { id, metadata: { createdAt: timestampFromMs(madeMs) }, spec: { desiredPhase } }));
    this.announce(id);
  }

  announce(id: string): void {
    for (const listener of this.#listeners) listener(id);
  }

  list = async () => [...this.all.values()];
  get = async (id: string) => this.all.get(id);
  writeStatus: EnvironmentStore["writeStatus"] = async (id, status) => {
    const environment = this.all.get(id);
    if (environment !== undefined) this.all.set(id, { ...environment, status });
  };
  remove = async (id: string) => void this.all.delete(id);
  onSpecChange = (listener: (id: string) => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  openSecrets = async () => [];
  openHostCredential = async () => undefined;

  failure(id: string): string | undefined {
    return this.all.get(id)?.status?.failureMessage[0];
  }
}

function full(): { records: Records; store: LimitedStore } {
  const records = new Records();
  records.add("third", 3);
  records.add("first", 1);
  records.add("second", 2);
  return { records, store: new LimitedStore(records, limit) };
}

const ids = (environments: readonly Environment[]): string[] => environments.map(({ id }) => id).toSorted();

test("the oldest are kept, whatever the order of the list, and the others say why", async () => {
  const { records, store } = full();
  expect(ids(await store.list())).toEqual(["first", "second"]);
  expect(await store.get("third")).toBeUndefined();
  expect(records.failure("third")).toMatch(/^runner-full: it keeps 2 environments/);
  expect(records.failure("first")).toBeUndefined();
  expect(store.refusedCount).toBe(1);
});

test("one that waited is announced when another is removed", async () => {
  const { store } = full();
  await store.list();
  const announced: string[] = [];
  store.onSpecChange((id) => announced.push(id));
  await store.remove("first");
  expect(announced).toEqual(["third"]);
  expect(ids(await store.list())).toEqual(["second", "third"]);
  expect(announced).toEqual(["third"]);
});

test("one that waited is announced when it is seen that another is to go", async () => {
  const { records, store } = full();
  await store.list();
  const announced: string[] = [];
  store.onSpecChange((id) => announced.push(id));
  records.all.delete("first");
  records.add("first", 1, EnvironmentPhase.DELETED);
  await store.get("first");
  expect(announced).toEqual(["first", "third"]);
});

test("what is to be deleted is seen, also when it waited", async () => {
  const { records, store } = full();
  await store.list();
  records.add("third", 3, EnvironmentPhase.DELETED);
  expect(ids(await store.list())).toEqual(["first", "second", "third"]);
});

test("a refusal is written once, since each write is announced", async () => {
  const { records, store } = full();
  await store.list();
  const status = records.all.get("third")?.status;
  await store.list();
  expect(records.all.get("third")?.status).toBe(status);
});

test("one that is in stays in when an older one turns up", async () => {
  const { records, store } = full();
  await store.list();
  records.add("oldest", 0);
  expect(ids(await store.list())).toEqual(["first", "second"]);
  expect(records.failure("oldest")).toMatch(/^runner-full/);
});
