import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { MachineSchema, type WatchResponse, WatchResponseSchema } from "../../contract/gen/berth/v1/host_pb.js";
import { EnvironmentSchema } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { afterWatch, nothingWatched, WatchGap } from "./watch-state.ts";

const named = (id: string, name: string) => ({
  environment: toBinary(EnvironmentSchema, create(EnvironmentSchema, { id, metadata: { name } })),
});
const message = (sequence: bigint, event: WatchResponse["event"]): WatchResponse => create(WatchResponseSchema, { sequence, event });
const snapshot = (sequence: bigint, ...names: string[]): WatchResponse =>
  create(WatchResponseSchema, {
    sequence,
    event: { case: "snapshot", value: { environments: names.map((name) => named(`id-${name}`, name)), machines: [{ id: "default" }] } },
  });
const environment = (sequence: bigint, id: string, name: string): WatchResponse =>
  create(WatchResponseSchema, { sequence, event: { case: "environment", value: named(id, name) } });
const names = (state: { environments: ReadonlyMap<string, { environment: { metadata?: { name: string } } }> }) =>
  [...state.environments.values()].map((view) => view.environment.metadata?.name);

test("a snapshot replaces everything before it", () => {
  const before = afterWatch(nothingWatched, snapshot(10n, "old"));
  const state = afterWatch(before, snapshot(90n, "a", "b"));
  expect(names(state)).toEqual(["a", "b"]);
  expect(state).toMatchObject({ known: true, sequence: 90n, machine: { id: "default" } });
});

test("events change what they name and leave the rest as it was", () => {
  const before = afterWatch(nothingWatched, snapshot(10n, "a", "b"));
  const after = afterWatch(before, environment(11n, "id-a", "renamed"));
  expect(names(after)).toEqual(["renamed", "b"]);
  expect(after.environments.get("id-b")).toBe(before.environments.get("id-b"));
  expect(names(before)).toEqual(["a", "b"]);
  expect(names(afterWatch(after, message(12n, { case: "removedEnvironmentId", value: "id-b" })))).toEqual(["renamed"]);
  const machine = create(MachineSchema, { id: "other" });
  expect(afterWatch(after, message(12n, { case: "machine", value: machine })).machine?.id).toBe("other");
});

test("a missing number, and an event before any snapshot, are noticed", () => {
  const state = afterWatch(nothingWatched, snapshot(10n, "a"));
  expect(() => afterWatch(state, environment(12n, "id-a", "x"))).toThrow(WatchGap);
  expect(() => afterWatch(state, environment(10n, "id-a", "x"))).toThrow(WatchGap);
  expect(() => afterWatch(nothingWatched, environment(1n, "id-a", "x"))).toThrow(WatchGap);
});

test("an event of a kind this version does not know is passed over", () => {
  const state = afterWatch(nothingWatched, snapshot(10n, "a"));
  expect(afterWatch(state, message(11n, { case: undefined })).sequence).toBe(11n);
});

test("environments' own machines are kept apart from the shared one", () => {
  const before = afterWatch(nothingWatched, snapshot(10n, "a"));
  const own = create(MachineSchema, { id: "env-1", environmentId: "id-a" });
  const after = afterWatch(before, message(11n, { case: "machine", value: own }));
  expect(after.machine?.id).toBe("default");
  expect([...after.ownMachines.keys()]).toEqual(["env-1"]);
  expect(afterWatch(after, message(12n, { case: "removedMachineId", value: "env-1" })).ownMachines.size).toBe(0);
});
