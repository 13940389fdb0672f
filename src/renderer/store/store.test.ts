import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { type WatchResponse, WatchResponseSchema } from "../../contract/gen/berth/v1/host_pb.js";
import { type AppStore, createAppStore, keepWatching } from "./store.ts";

const snapshot = (sequence: bigint): WatchResponse =>
  create(WatchResponseSchema, { sequence, event: { case: "snapshot", value: { environments: [], machines: [] } } });
const machine = (sequence: bigint, id: string): WatchResponse =>
  create(WatchResponseSchema, { sequence, event: { case: "machine", value: { id } } });

/** Watches a host that plays these connections one after the other, and tells where each was taken up. */
async function play(store: AppStore, connections: readonly (readonly (WatchResponse | Error)[])[]) {
  const ended = new AbortController();
  const froms: bigint[] = [];
  const pauses: number[] = [];
  async function* watch(from: bigint) {
    const script = connections[froms.length];
    froms.push(from);
    if (script === undefined) return ended.abort();
    for (const step of script) {
      if (step instanceof Error) throw step;
      yield step;
    }
  }
  await keepWatching({ store, watch, pause: async (durationMs) => void pauses.push(durationMs) }, ended.signal);
  return { froms, pauses };
}

const lost = new ConnectError("gone", Code.Unavailable);

test("a connection that was lost is taken up where it was", async () => {
  const store = createAppStore();
  const { froms } = await play(store, [
    [snapshot(7n), machine(8n, "a"), lost],
    [machine(9n, "b"), lost],
  ]);
  expect(froms).toEqual([0n, 8n, 9n]);
  expect(store.getState()).toMatchObject({ sequence: 9n, machine: { id: "b" } });
});

test("after a gap everything is asked for again, at once", async () => {
  const store = createAppStore();
  const { froms, pauses } = await play(store, [[snapshot(7n), machine(9n, "lost one")], [snapshot(20n)]]);
  expect(froms.slice(0, 2)).toEqual([0n, 0n]);
  expect(pauses.length).toBe(1);
  expect(store.getState().sequence).toBe(20n);
});

test("tries grow apart to a limit, and begin anew once it answered", async () => {
  const failures = Array.from({ length: 9 }, () => [lost]);
  const { pauses } = await play(createAppStore(), [...failures, [snapshot(1n), lost]]);
  expect(pauses).toEqual([250, 500, 1000, 2000, 3000, 3000, 3000, 3000, 3000, 250]);
});

test("it says offline only when there was something before, and refused without a session", async () => {
  const states: string[] = [];
  const store = createAppStore();
  store.subscribe((state) => states.push(state.connection));
  await play(store, [[lost], [snapshot(1n), lost], [new ConnectError("no session", Code.Unauthenticated)]]);
  expect(states).toEqual(["connecting", "online", "offline", "refused"]);
});
