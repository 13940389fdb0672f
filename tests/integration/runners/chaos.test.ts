import { afterEach, beforeEach, expect, test } from "vitest";
import { EnvironmentPhase } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { RunnerPhase } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import { StallingProxy } from "../../support/stalling-proxy.ts";
import { type PlaneProcess, type RunnerProcess, RunnerWorld } from "./runner-world.ts";

const runnerCount = 4;
const environmentsEach = 3;
const steps = 60;
/** What a lost hint, a lost connection and its retries take at most, one after another. */
const healLimitMs = 180_000;

let world: RunnerWorld;
let proxy: StallingProxy;

beforeEach(() => {
  world = new RunnerWorld();
});

afterEach(async () => {
  await proxy.close();
  await world.close();
});

/** Numbers that a seed repeats (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

test("whatever dies, stalls or gets lost between runners and two servers, in the end both sides know the newest", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = randomOf(seed);
  const oneOf = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const planes: PlaneProcess[] = [await world.startPlane(), await world.startPlane()];
  proxy = await StallingProxy.start(...planes.map(({ port }) => port));

  const byEnvironment = new Map<string, RunnerProcess>();
  const processes: RunnerProcess[] = [];
  for (let n = 0; n < runnerCount; n++) {
    const runnerId = world.runners.addRunner();
    const process = world.run(await world.enrol(oneOf(planes), runnerId, proxy.port));
    processes.push(process);
    for (let m = 0; m < environmentsEach; m++) byEnvironment.set(world.runners.addEnvironment(runnerId), process);
  }
  await world.clock.passUntil(() => processes.every(({ isConnected }) => isConnected), 60_000);
  for (const process of processes) await process.runner.environmentStore.list();
  const ids = [...byEnvironment.keys()];
  const newest = new Map<string, string>();

  const happenings: Readonly<Record<string, (step: number) => Promise<void> | void>> = {
    wish: async () => {
      const id = oneOf(ids);
      world.runners.changeSpec(id, ({ spec }) => {
        if (spec !== undefined) spec.desiredPhase = oneOf([EnvironmentPhase.RUNNING, EnvironmentPhase.STOPPED]);
      });
      await world.hint(oneOf(planes), id);
    },
    observe: async (step) => {
      const id = oneOf(ids);
      newest.set(id, `step ${step}`);
      await byEnvironment.get(id)?.observe(id, `step ${step}`);
    },
    loseMessages: () => {
      world.fanOut.isLossy = random() < 0.5;
    },
    killServer: async () => {
      const index = random() < 0.5 ? 0 : 1;
      const { port } = planes[index]!;
      await planes[index]!.kill();
      planes[index] = await world.startPlane(port);
    },
    stall: () => proxy.stall(),
    stallOld: () => proxy.stallOld(),
    resume: () => proxy.resume(),
    wait: async () => world.clock.pass(random() * 40_000),
  };
  const kinds = [
    "wish",
    "wish",
    "observe",
    "observe",
    "observe",
    "wait",
    "wait",
    "loseMessages",
    "killServer",
    "stall",
    "stallOld",
    "resume",
    "resume",
  ];
  for (let step = 0; step < steps; step++) {
    await happenings[oneOf(kinds)]?.(step);
    await world.clock.pass(500);
  }

  proxy.resume();
  world.fanOut.isLossy = false;
  const isSettled = async (): Promise<boolean> => {
    for (const [id, process] of byEnvironment) {
      const wanted = world.runners.environment(id);
      const known = await process.runner.environmentStore.get(id);
      if (known?.spec?.specVersion !== wanted.spec?.specVersion) return false;
      if (wanted.status?.failureMessage[0] !== newest.get(id)) return false;
    }
    return processes.every(({ isConnected, runner }) => isConnected && runner.pendingCount() === 0);
  };
  await world.clock.passUntil(isSettled, healLimitMs).catch((error: unknown) => {
    throw new Error(`seed ${seed}`, { cause: error });
  });
  // And it stays so: nothing old arrives any more that is not put right.
  await world.clock.passUntil(
    () => [...world.runners.runners.keys()].every((id) => world.runners.phase(id) === RunnerPhase.ACTIVE),
    60_000,
  );
  await world.clock.pass(70_000);
  expect(await isSettled(), `seed ${seed}`).toBe(true);
});
