import { afterEach, beforeEach, expect, test } from "vitest";
import { Backoff } from "../../../src/bridge/runner/backoff.ts";
import { type RunnerProcess, RunnerWorld } from "./runner-world.ts";

let world: RunnerWorld;

beforeEach(() => {
  world = new RunnerWorld();
});

afterEach(async () => world.close());

test("runners come back one after another, not all at once", async () => {
  const delays = new Set<number>();
  for (let n = 0; n < 100; n++) {
    const backoff = new Backoff({ firstMs: 500, maxMs: 30_000, random: () => n / 100 });
    const waits = Array.from({ length: 10 }, () => backoff.next());
    expect(waits[0]).toBeLessThanOrEqual(500);
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(250);
    delays.add(waits[5]!);
    backoff.reset();
    expect(backoff.next()).toBeLessThanOrEqual(500);
  }
  expect(delays.size).toBe(100);
});

test("runners that started together list at times of their own, each within a minute", async () => {
  const plane = await world.startPlane();
  const start = async (share: number): Promise<{ readonly id: string; readonly process: RunnerProcess }> => {
    const id = world.runners.addRunner();
    return { id, process: world.run(await world.enrol(plane, id), { random: () => share }) };
  };
  const [early, late] = [await start(0.2), await start(0.7)];
  for (const { process } of [early, late]) await process.runner.environmentStore.list();
  world.fanOut.isLossy = true;
  for (const { id } of [early, late]) world.runners.addEnvironment(id);

  const earlyMs = await world.clock.passUntil(() => early.process.specChanges.length > 0, 60_000);
  expect(earlyMs).toBeLessThan(20_000);
  expect(late.process.specChanges).toEqual([]);
  const lateMs = earlyMs + (await world.clock.passUntil(() => late.process.specChanges.length > 0, 60_000));
  expect(lateMs).toBeGreaterThan(35_000);
  expect(lateMs).toBeLessThanOrEqual(62_000);
});
