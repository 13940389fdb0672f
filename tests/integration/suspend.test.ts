import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EnvironmentPhase } from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { UnusedWatch } from "../../src/engine/unused-watch.ts";
import { afterSleep, beforeSleep } from "../../src/host/computer-sleep.ts";
import { silentLog } from "../../src/lib/log.ts";
import { SimulatedDriver } from "../../src/vm/simulated/simulated-driver.ts";
import { SimulatedProduct } from "./simulated-product.ts";

const { RUNNING, STOPPED, DELETED } = EnvironmentPhase;
const signal = AbortSignal.timeout(60_000);
let product: SimulatedProduct;

beforeEach(async () => {
  product = new SimulatedProduct();
  await product.startHost();
});

afterEach(() => product.end());

const isSuspended = (): boolean => product.computer.suspended.has("default");
const bootId = (): string | undefined => product.machine.hello?.bootId;

async function runningAndAsleep(): Promise<string> {
  const id = await product.create("web");
  await product.whenPhase(id, RUNNING);
  await product.machine.suspend(signal);
  expect(isSuspended()).toBe(true);
  expect(product.machine.view).toBe("asleep");
  return id;
}

test("environments of a suspended machine stay as they are, and using one wakes it where it was", async () => {
  const id = await runningAndAsleep();
  const boot = bootId();
  expect((await product.get(id))?.status?.phase).toBe(RUNNING);
  // Two uses at once are one waking.
  await Promise.all([product.machine.awake(signal), product.machine.awake(signal)]);
  expect(isSuspended()).toBe(false);
  expect(bootId()).toBe(boot);
  expect((await product.get(id))?.status?.phase).toBe(RUNNING);
});

test("a use that comes while the machine falls asleep waits and wakes it", async () => {
  const id = await product.create("web");
  await product.whenPhase(id, RUNNING);
  const boot = bootId();
  const falling = product.machine.suspend(signal);
  await product.machine.awake(signal);
  await falling;
  await product.machine.awake(signal);
  expect(bootId()).toBe(boot);
});

test.each([
  ["stop", STOPPED],
  ["delete", DELETED],
] as const)("to %s an environment wakes the machine", async (_name, phase) => {
  const id = await runningAndAsleep();
  await product.wish(id, phase);
  if (phase === DELETED) expect(await product.whenGone(id)).toBe(true);
  else await product.whenPhase(id, STOPPED);
});

test("the next host brings back what ran, and leaves asleep what nobody wants", async () => {
  const id = await runningAndAsleep();
  const boot = bootId();
  product.killHost();
  await product.startHost();
  await product.machine.awake(signal);
  expect(bootId()).toBe(boot);
  await product.wish(id, STOPPED);
  await product.whenPhase(id, STOPPED);
  await product.machine.suspend(signal);
  product.killHost();
  await product.startHost();
  expect(product.machine.view).toBe("asleep");
  expect((await product.get(id))?.status?.phase).toBe(STOPPED);
  expect(isSuspended()).toBe(true);
});

test("a machine whose memory is lost boots, and its environments come up again", async () => {
  const id = await runningAndAsleep();
  const boot = bootId();
  product.computer.suspended.delete("default");
  await product.machine.awake(signal);
  expect(bootId()).not.toBe(boot);
  await product.whenPhase(id, RUNNING);
});

test("switching a suspended machine off ends what ran on it in order", async () => {
  await runningAndAsleep();
  await product.machine.powerOff(signal);
  expect(await product.driver.inspect("default")).toMatchObject({ state: "off", exit: { reason: "shutdown" } });
  expect(isSuspended()).toBe(false);
});

test("a machine nobody uses is suspended after the time that is set, and not while somebody is connected", async () => {
  const id = await product.create("web");
  await product.whenPhase(id, RUNNING);
  let nowMs = Date.now();
  let unusedMinutes = 0;
  const watch = new UnusedWatch({
    machines: product.machines,
    environments: async () => product.plane.environmentStore.list(),
    unusedMinutes: () => unusedMinutes,
    now: () => nowMs,
    log: silentLog,
  });
  const later = async (minutes: number): Promise<void> => {
    nowMs += minutes * 60_000;
    product.advanceMs(minutes * 60_000);
    await watch.look();
  };
  await later(600);
  unusedMinutes = 30;
  await later(1);
  const release = product.machine.uses.hold();
  await later(60);
  expect(product.machine.view).toBe("ready");
  release();
  await later(20);
  expect(product.machine.view).toBe("ready");
  await later(11);
  expect(product.machine.view).toBe("asleep");
});

test("a machine whose guest does not get over its computer's sleep is held meanwhile, and only such a one", async () => {
  const id = await product.create("web");
  await product.whenPhase(id, RUNNING);
  const { computer, machine, machines } = product;
  const state = async (): Promise<string> => (await product.driver.inspect("default")).state;
  await beforeSleep({ driver: product.driver, machines, log: silentLog });
  expect(await state()).toBe("running");
  const driver = new SimulatedDriver({ machinesFolder: join(product.folder, "machines"), computer, pauseForSleep: true });
  await beforeSleep({ driver, machines, log: silentLog });
  expect(await state()).toBe("paused");
  expect((await product.get(id))?.status?.phase).toBe(RUNNING);
  await afterSleep({ driver, machines, log: silentLog });
  expect(await state()).toBe("running");
  await machine.awake(signal);
});
