import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EnvironmentPhase } from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { dedicatedMachineId } from "../../src/engine/machines.ts";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { dedicatedIdleMs, SimulatedProduct } from "./simulated-product.ts";

const { RUNNING, STOPPED, DELETED } = EnvironmentPhase;
const waitLimitMs = 20_000;
const signal = AbortSignal.timeout(60_000);
let product: SimulatedProduct;

beforeEach(async () => {
  product = new SimulatedProduct();
  await product.startHost();
});

afterEach(() => product.end());

async function eventually(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  return waitUntil(async () => condition(), { intervalMs: 5, signal: AbortSignal.timeout(waitLimitMs) });
}

const isSuspended = (id: string): boolean => product.computer.suspended.has(dedicatedMachineId(id));
const hasFolder = (id: string): boolean => existsSync(join(product.folder, "machines", dedicatedMachineId(id)));
const bootOf = (id: string): string | undefined => product.machines.of(id).hello?.bootId;

test("an environment with a machine of its own is on that one and nowhere else", async () => {
  const id = await product.createDedicated("web");
  await product.whenPhase(id, RUNNING);
  expect(product.machines.of(id).environment(id)).toBeDefined();
  expect(product.machines.of(id)).not.toBe(product.machine);
  // The shared machine was never needed.
  expect((await product.driver.inspect("default")).state).toBe("absent");
  const shared = await product.create("api");
  await product.whenPhase(shared, RUNNING);
  expect(product.machine.environment(id)).toBeUndefined();
  expect(product.machines.of(id).environment(shared)).toBeUndefined();
});

test("machines of their own start as copies of one template, each with a name of its own", async () => {
  const [one, two] = [await product.createDedicated("web"), await product.createDedicated("api")];
  await product.whenPhase(one, RUNNING);
  await product.whenPhase(two, RUNNING);
  const templates = (await product.driver.list()).filter((id) => id.startsWith("template-"));
  expect(templates).toHaveLength(1);
  expect(await product.driver.inspect(templates[0] ?? "")).toMatchObject({ state: "off", suspended: {} });
  expect(bootOf(one)).not.toBe(bootOf(two));
  // A template that cannot be continued any more is made anew.
  await product.driver.remove(templates[0] ?? "");
  const three = await product.createDedicated("docs");
  await product.whenPhase(three, RUNNING);
  expect(await product.driver.inspect(templates[0] ?? "")).toMatchObject({ state: "off", suspended: {} });
});

test("a stop puts its machine to sleep, a start wakes it where it was, and the shared machine is not touched", async () => {
  const shared = await product.create("api");
  const id = await product.createDedicated("web");
  await product.whenPhase(shared, RUNNING);
  await product.whenPhase(id, RUNNING);
  const [sharedBoot, boot] = [bootOf(shared), bootOf(id)];
  await product.wish(id, STOPPED);
  expect(await eventually(() => isSuspended(id))).toBe(true);
  expect((await product.get(id))?.status?.phase).toBe(STOPPED);
  await product.wish(id, RUNNING);
  await product.whenPhase(id, RUNNING);
  expect(bootOf(id)).toBe(boot);
  expect(bootOf(shared)).toBe(sharedBoot);
  expect(product.machine.view).toBe("ready");
});

test("a machine that somebody uses stays awake though its environment is stopped, and rests after that", async () => {
  const id = await product.createDedicated("web");
  await product.whenPhase(id, RUNNING);
  const machine = product.machines.of(id);
  const release = machine.uses.hold();
  await product.wish(id, STOPPED);
  await product.whenPhase(id, STOPPED);
  await new Promise((resolve) => setTimeout(resolve, 5 * dedicatedIdleMs));
  expect(machine.view).toBe("ready");
  release();
  expect(await eventually(() => isSuspended(id))).toBe(true);
});

test.each(["running", "suspended"])("the next host finds a %s one", async (how) => {
  const id = await product.createDedicated("web");
  await product.whenPhase(id, RUNNING);
  const boot = bootOf(id);
  if (how === "suspended") await product.machines.of(id).suspend(signal);
  product.killHost();
  await product.startHost();
  // What shall run is brought back.
  expect(await eventually(() => bootOf(id) === boot)).toBe(true);
  await product.whenPhase(id, RUNNING);
});

test.each(["running", "suspended", "off"])("deleting an environment removes its %s machine with its disk, without a boot", async (how) => {
  const shared = await product.create("api");
  const id = await product.createDedicated("web");
  await product.whenPhase(id, RUNNING);
  await product.whenPhase(shared, RUNNING);
  const machine = product.machines.of(id);
  if (how === "suspended") await machine.suspend(signal);
  if (how === "off") {
    await product.wish(id, STOPPED);
    await product.whenPhase(id, STOPPED);
    await machine.powerOff(signal);
  }
  const starts: string[] = [];
  product.computer.onChange((changed) => {
    if (changed === dedicatedMachineId(id) && product.computer.machines.has(changed)) starts.push(changed);
  });
  await product.wish(id, DELETED);
  expect(await product.whenGone(id)).toBe(true);
  expect(hasFolder(id)).toBe(false);
  expect(starts).toEqual([]);
  expect(product.machines.all.map((m) => m.id)).toEqual(["default"]);
  expect((await product.get(shared))?.status?.phase).toBe(RUNNING);
  expect(product.machine.view).toBe("ready");
});

test("deleting one that is still being made ends its boot and leaves nothing", async () => {
  const id = await product.createDedicated("slow-clone");
  await product.whenStep(id, "Cloning the repository");
  await product.wish(id, DELETED);
  expect(await product.whenGone(id)).toBe(true);
  expect(hasFolder(id)).toBe(false);
});

test("two at once are two machines, and a crash of one is told for its environment alone", async () => {
  const [one, two] = [await product.createDedicated("web"), await product.createDedicated("api")];
  await product.whenPhase(one, RUNNING);
  await product.whenPhase(two, RUNNING);
  const boot = bootOf(two);
  expect(boot).not.toBe(bootOf(one));
  // Until it is left off.
  for (let crash = 0; crash < 3; crash++) {
    expect(await eventually(() => product.machines.of(one).view === "ready")).toBe(true);
    product.crashMachine(dedicatedMachineId(one));
    expect(await eventually(() => product.machines.of(one).view !== "ready")).toBe(true);
  }
  const failed = await product.when(one, (e) => e.status?.phase === STOPPED && e.status.failureMessage.length > 0);
  expect(failed.status?.failureMessage[0]).toMatch(/^machine-crashed: /);
  expect((await product.get(two))?.status).toMatchObject({ phase: RUNNING, failureMessage: [] });
  expect(bootOf(two)).toBe(boot);
  // A new start tries again.
  await product.wish(one, RUNNING);
  await product.whenPhase(one, RUNNING);
});

test("a host that was killed amid a deletion carries it out at its next start, and a machine of nobody keeps its disk", async () => {
  const [kept, gone, unknown] = [
    await product.createDedicated("web"),
    await product.createDedicated("api"),
    await product.createDedicated("old"),
  ];
  for (const id of [kept, gone, unknown]) await product.whenPhase(id, RUNNING);
  const boot = bootOf(kept);
  // As after the database was lost: the machine may hold the only copy of somebody's work.
  await product.plane.environmentStore.remove(unknown);
  // The wish is there, the machine and the record too.
  await product.wish(gone, DELETED);
  product.killHost();
  expect(hasFolder(gone)).toBe(true);
  await product.startHost();
  expect(await eventually(() => !hasFolder(gone))).toBe(true);
  expect(await eventually(async () => (await product.get(gone)) === undefined)).toBe(true);
  expect(hasFolder(unknown)).toBe(true);
  expect(await eventually(() => bootOf(kept) === boot)).toBe(true);
});
