import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../src/lib/log.ts";
import type { MachineSpec } from "../../src/vm/driver.ts";
import { SimulatedComputer, SimulatedDriver } from "../../src/vm/simulated/simulated-driver.ts";
import { Templates } from "../../src/engine/templates.ts";

const signal = AbortSignal.timeout(30_000);
let folder: string;
let computer: SimulatedComputer;
let driver: SimulatedDriver;
let templates: Templates;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-templates-"));
  computer = new SimulatedComputer();
  driver = new SimulatedDriver({ machinesFolder: folder, computer });
  templates = new Templates({ driver, log: silentLog, now: () => Date.now() });
});

afterEach(() => {
  for (const id of computer.machines.keys()) computer.end(id, "killed", "");
  rmSync(folder, { recursive: true, force: true });
});

function specOf(memoryGib: number): MachineSpec {
  const image = { sha256: "a", arch: "amd64", kernelPath: "", initrdPath: "", rootPath: "" } as const;
  return { id: "new", image, cpus: 2, memoryBytes: memoryGib * 1024 ** 3, dataDiskLimitBytes: 1024 };
}

const get = async (memoryGib: number, anew = false): Promise<string> => templates.get(specOf(memoryGib), { anew }, signal);
/** What is suspended now; another one once it was made anew. */
const suspended = (id: string): unknown => computer.suspended.get(id)?.machine;

test("a template is made once, whoever asks for it at the same time, and anew only when it cannot be used", async () => {
  const [one, two] = await Promise.all([get(2), get(2)]);
  expect(two).toBe(one);
  const before = suspended(one);
  expect(before).toBeDefined();
  await get(2);
  expect(suspended(one)).toBe(before);
  await get(2, true);
  expect(suspended(one)).toBeDefined();
  expect(suspended(one)).not.toBe(before);
});

test("a template of another size takes the place of the one before", async () => {
  const small = await get(2);
  const large = await get(4);
  expect(large).not.toBe(small);
  expect(await driver.list()).toEqual([large]);
});

test("what a killed host left half made is removed, and what is whole stays", async () => {
  const whole = await get(2);
  const half = { ...specOf(4), id: "template-2-4096-0" };
  await driver.create(half, signal);
  await driver.start(half, signal);
  await templates.tidy();
  expect(await driver.list()).toEqual([whole]);
  expect(computer.machines.size).toBe(0);
});

test("a template that does not come up leaves nothing", async () => {
  const gone = new AbortController();
  const making = templates.get({ ...specOf(2), image: { ...specOf(2).image, sha256: "fail-boot" } }, { anew: false }, gone.signal);
  setTimeout(() => gone.abort(), 50);
  await expect(making).rejects.toThrow();
  expect(await driver.list()).toEqual([]);
  expect(computer.machines.size).toBe(0);
});
