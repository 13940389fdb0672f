import { create, fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  EnvironmentDetailsSchema,
  type Machine,
  MachineSchema,
  MachineState,
  type WatchResponse,
} from "../contract/gen/berth/v1/host_pb.js";
import { type Environment, EnvironmentSchema } from "../contract/gen/gitpod/v1/environment_pb.js";
import { WatchHub } from "./watch-hub.ts";

class World {
  readonly environments = new Map<string, Environment>();
  machine: Machine = create(MachineSchema, { id: "default", state: MachineState.OFF });
  dedicated: Machine[] = [];
  readonly hub = new WatchHub(
    {
      environments: async () => [...this.environments.values()],
      details: (environment) => create(EnvironmentDetailsSchema, { environmentId: environment.id }),
      machines: async () => [this.machine, ...this.dedicated],
      failed: (error) => {
        throw error;
      },
    },
    1000,
  );

  put(id: string, name: string): void {
    this.environments.set(id, create(EnvironmentSchema, { id, metadata: { name } }));
    this.hub.touch();
  }
}

async function take(events: AsyncGenerator<WatchResponse>, count: number): Promise<WatchResponse[]> {
  const taken: WatchResponse[] = [];
  while (taken.length < count) {
    const next = await events.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

function nameOf(event: WatchResponse | undefined): string {
  return event?.event.case === "environment" ? (fromBinary(EnvironmentSchema, event.event.value.environment).metadata?.name ?? "") : "";
}

test("a watcher gets everything, then each change with the next number", async () => {
  const world = new World();
  world.put("a", "first");
  const events = world.hub.watch(0n, AbortSignal.timeout(5000));
  const [snapshot] = await take(events, 1);
  expect(snapshot?.event.case === "snapshot" ? snapshot.event.value.environments : []).toHaveLength(1);
  world.put("a", "renamed");
  const [renamed] = await take(events, 1);
  expect(nameOf(renamed)).toBe("renamed");
  expect(renamed?.sequence).toBe((snapshot?.sequence ?? 0n) + 1n);
  world.environments.delete("a");
  world.machine = create(MachineSchema, { id: "default", state: MachineState.READY });
  world.hub.touch();
  expect((await take(events, 2)).map((e) => e.event.case)).toEqual(["machine", "removedEnvironmentId"]);
});

test("a watcher that comes back gets what it missed, and a snapshot when that is no longer known", async () => {
  const world = new World();
  world.put("a", "one");
  const [snapshot] = await take(world.hub.watch(0n, AbortSignal.timeout(5000)), 1);
  world.put("a", "two");
  const [missed] = await take(world.hub.watch(snapshot?.sequence ?? 0n, AbortSignal.timeout(5000)), 1);
  expect(nameOf(missed)).toBe("two");
  const [unknown] = await take(world.hub.watch(5n, AbortSignal.timeout(5000)), 1);
  expect(unknown?.event.case).toBe("snapshot");
});

test("nothing is told when nothing changed, and a watch ends with its signal", async () => {
  const world = new World();
  world.put("a", "one");
  const abort = new AbortController();
  const events = world.hub.watch(0n, abort.signal);
  const [snapshot] = await take(events, 1);
  for (let n = 0; n < 5; n++) world.hub.touch();
  world.put("a", "two");
  const [next] = await take(events, 1);
  expect(nameOf(next)).toBe("two");
  expect(next?.sequence).toBe((snapshot?.sequence ?? 0n) + 1n);
  const end = events.next();
  abort.abort();
  expect((await end).done).toBe(true);
});

test("a watcher that does not keep up gets a snapshot in place of what it missed", async () => {
  const world = new World();
  world.put("a", "start");
  const slow = world.hub.watch(0n, AbortSignal.timeout(10_000));
  await take(slow, 1);
  for (let n = 0; n < 300; n++) world.environments.set(`e${n}`, create(EnvironmentSchema, { id: `e${n}` }));
  const late = slow.next();
  world.hub.touch();
  const { value } = await late;
  expect(value?.event.case === "snapshot" ? value.event.value.environments.length : 0).toBe(301);
  world.put("a", "end");
  expect(nameOf((await take(slow, 1))[0])).toBe("end");
});

test("every machine is told, and that one went", async () => {
  const world = new World();
  world.dedicated = [create(MachineSchema, { id: "env-1", environmentId: "a" })];
  const events = world.hub.watch(0n, AbortSignal.timeout(5000));
  const [snapshot] = await take(events, 1);
  expect(snapshot?.event.case === "snapshot" && snapshot.event.value.machines.map(({ id }) => id)).toEqual(["default", "env-1"]);
  world.dedicated = [create(MachineSchema, { id: "env-1", environmentId: "a", state: MachineState.READY })];
  world.hub.touch();
  const [changed] = await take(events, 1);
  expect(changed?.event).toMatchObject({ case: "machine", value: { id: "env-1", state: MachineState.READY } });
  world.dedicated = [];
  world.hub.touch();
  const [removed] = await take(events, 1);
  expect(removed?.event).toMatchObject({ case: "removedMachineId", value: "env-1" });
});
