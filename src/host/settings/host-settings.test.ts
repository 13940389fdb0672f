import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../lib/log.ts";
import { HostSettings } from "./host-settings.ts";

const gib = 1024 ** 3;
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-settings-"));
  path = join(folder, "settings.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = async (computer = { cpus: 8, memoryBytes: 32 * gib }) => HostSettings.open(path, computer, silentLog);

test("without a word from anybody the machine gets what Berth chooses", async () => {
  expect((await open()).nextSize).toEqual({ cpus: 8, memoryBytes: 8 * gib, dataDiskLimitBytes: 64 * gib });
});

test("what was set outlives the host, and 0 goes back to Berth's choice", async () => {
  await (await open()).change({ cpus: 3, memoryBytes: 12 * gib, gitUserName: "Ada", machineIdleMinutes: 0 });
  const later = await open();
  expect(later.nextSize).toMatchObject({ cpus: 3, memoryBytes: 12 * gib });
  expect(later.stored).toMatchObject({ gitUserName: "Ada", machineIdleMinutes: 0 });
  await later.change({ cpus: 0 });
  expect((await open()).nextSize).toMatchObject({ cpus: 8, memoryBytes: 12 * gib });
});

test.each([
  { cpus: 9 },
  { memoryBytes: 32 * gib },
  { memoryBytes: 1024 },
  { dataDiskLimitBytes: gib },
  { machineIdleMinutes: -1 },
  { gitUserName: "Ada\nEvil" },
  { gitUserEmail: "<a@b.example>" },
])("%j is refused, and nothing changes", async (change) => {
  const settings = await open();
  const before = settings.stored;
  await expect(settings.change({ cpus: 2, ...change })).rejects.toMatchObject({ code: "setting-invalid" });
  expect(settings.stored).toEqual(before);
});

test("on a smaller computer a size that was set shrinks to what there is", async () => {
  await (await open()).change({ cpus: 8, memoryBytes: 24 * gib });
  expect((await open({ cpus: 4, memoryBytes: 8 * gib })).nextSize).toMatchObject({ cpus: 4, memoryBytes: 7 * gib });
});

test("a disk that is there cannot be made smaller, until it is gone", async () => {
  const settings = await open();
  await settings.noteStart({ cpus: 2, memoryBytes: gib, dataDiskLimitBytes: 128 * gib });
  await expect(settings.change({ dataDiskLimitBytes: 64 * gib })).rejects.toMatchObject({ code: "setting-invalid" });
  expect((await open()).nextSize.dataDiskLimitBytes).toBe(128 * gib);
  await settings.noteReset();
  expect((await open()).nextSize.dataDiskLimitBytes).toBe(64 * gib);
});

test("a spoilt file costs the settings, not the start, and is kept", async () => {
  writeFileSync(path, "{ cpus: ");
  expect((await open()).nextSize.cpus).toBe(8);
  expect(readFileSync(`${path}.unreadable`, "utf8")).toBe("{ cpus: ");
  writeFileSync(path, JSON.stringify({ cpus: "many", memoryBytes: 4 * gib, unknown: 1 }));
  expect((await open()).nextSize).toMatchObject({ cpus: 8, memoryBytes: 4 * gib });
});

test("a change counts once it is on the disk, and one that cannot be written changes nothing", async () => {
  const settings = await open();
  const changing = settings.change({ cpus: 3 });
  expect(settings.stored.cpus).toBe(0);
  await changing;
  expect(settings.stored.cpus).toBe(3);
  rmSync(folder, { recursive: true });
  await expect(settings.change({ cpus: 5 })).rejects.toThrow("ENOENT");
  expect(settings.stored.cpus).toBe(3);
  mkdirSync(folder);
  await settings.change({ gitUserName: "Ada" });
  expect((await open()).stored).toMatchObject({ cpus: 3, gitUserName: "Ada" });
});

test("of changes at the same time the last one stays in the file", async () => {
  const settings = await open();
  await Promise.all([1, 2, 3, 4, 5].map(async (cpus) => settings.change({ cpus })));
  expect((await open()).nextSize.cpus).toBe(5);
});

test("machines that environments have to themselves have a size of their own, and keep what each was started with", async () => {
  const settings = await open();
  expect(settings.dedicated("env-1").nextSize).toEqual({ cpus: 2, memoryBytes: 2 * gib, dataDiskLimitBytes: 64 * gib });
  await settings.change({ dedicatedCpus: 4, dedicatedMemoryBytes: 3 * gib });
  await settings.dedicated("env-1").noteStart({ cpus: 4, memoryBytes: 3 * gib, dataDiskLimitBytes: 128 * gib });
  const later = await open();
  expect(later.dedicated("env-1").startedSize).toMatchObject({ memoryBytes: 3 * gib });
  // A disk never shrinks, and nobody else's size is touched.
  expect(later.dedicated("env-1").nextSize).toEqual({ cpus: 4, memoryBytes: 3 * gib, dataDiskLimitBytes: 128 * gib });
  expect(later.dedicated("env-2").nextSize.dataDiskLimitBytes).toBe(64 * gib);
  expect(later.startedSize).toBeUndefined();
  await later.dedicated("env-1").noteReset();
  expect((await open()).dedicated("env-1").startedSize).toBeUndefined();
});

test("a small computer gives such a machine no more than it has", async () => {
  const settings = await open({ cpus: 1, memoryBytes: 3 * gib });
  expect(settings.nextDedicatedSize).toMatchObject({ cpus: 1, memoryBytes: 1.5 * gib });
  await expect(settings.change({ dedicatedMemoryBytes: 3 * gib })).rejects.toMatchObject({ code: "setting-invalid" });
  // Set on a larger computer.
  await (await open()).change({ dedicatedCpus: 8, dedicatedMemoryBytes: 16 * gib });
  expect((await open({ cpus: 1, memoryBytes: 3 * gib })).nextDedicatedSize).toMatchObject({ cpus: 2, memoryBytes: 2 * gib });
});
