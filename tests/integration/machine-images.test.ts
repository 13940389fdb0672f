import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BerthError } from "../../src/contract/berth-error.ts";
import { silentLog } from "../../src/lib/log.ts";
import { hostImageArch } from "../../src/vm/image/find-image.ts";
import { ImageStore } from "../../src/vm/image/image-store.ts";
import { MachineImages } from "../../src/vm/image/machine-images.ts";
import { SimulatedComputer, SimulatedDriver } from "../../src/vm/simulated/simulated-driver.ts";
import { offerImage } from "../support/simulated-images.ts";

const signal = new AbortController().signal;
const machineId = "default";
const didNotBoot = new BerthError("machine-boot-failed", "the agent did not answer");

let folder: string;
let offered: string;
let driver: SimulatedDriver;
let images: MachineImages;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "berth-images-"));
  offered = join(folder, "offered");
  const machinesFolder = join(folder, "machines");
  driver = new SimulatedDriver({ machinesFolder, computer: new SimulatedComputer() });
  const source = new ImageStore({ folder: join(folder, "images"), offeredFolder: offered, arch: hostImageArch() });
  images = new MachineImages({ machineId, machinesFolder, source, driver, log: silentLog, now: () => Date.now() });
  offerImage(offered, "A");
  await driver.create({ id: machineId, image: await images.next(signal), cpus: 1, memoryBytes: 1, dataDiskLimitBytes: 1 }, signal);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const diskPath = (): string => join(folder, "machines", machineId, "disk.json");
const triesLeft = async (): Promise<number> => (await images.look()).triesLeft;
const report = (imageSha256: string, more = {}) => ({ imageSha256, dataSchema: 1, dockerReady: true, warnings: [], ...more });

test("a start that was given up, or failed for another reason than the image, costs it no try", async () => {
  const b = offerImage(offered, "B");
  expect((await images.next(signal)).sha256).toBe(b);
  expect(await triesLeft()).toBe(1);
  expect(await images.failed(didNotBoot, { givenUp: true })).toBe(false);
  expect(await triesLeft()).toBe(2);
  await images.next(signal);
  expect(await images.failed(new BerthError("host-disk-full", ""), { givenUp: false })).toBe(false);
  expect(await triesLeft()).toBe(2);
  await images.next(signal);
  expect(await images.failed(didNotBoot, { givenUp: false })).toBe(true);
  expect((await images.next(signal)).sha256).toBe(b);
  expect(await images.failed(didNotBoot, { givenUp: false })).toBe(true);
  expect(await images.look()).toMatchObject({ candidate: "", warning: expect.stringContaining("the agent did not answer") });
  // The image before is known to work: its failures are the machine's.
  expect((await images.next(signal)).sha256).not.toBe(b);
  expect(await images.failed(didNotBoot, { givenUp: false })).toBe(false);
});

test("an image is good only when it is the one that runs, its disk is as it needs it, and dockerd is up", async () => {
  const b = offerImage(offered, "B", { dataSchema: 2 });
  await images.next(signal);
  await expect(images.judge(report("another", { dataSchema: 2 }))).rejects.toThrow("the machine runs another");
  await expect(images.judge(report(b, { warnings: ["it went wrong"] }))).rejects.toMatchObject({
    code: "data-migration-failed",
    detail: "it went wrong",
  });
  await expect(images.judge(report(b, { dataSchema: 3 }))).rejects.toMatchObject({ code: "data-schema-too-new" });
  await expect(images.judge(report(b, { dataSchema: 2, dockerReady: false }))).rejects.toThrow("dockerd");
  expect(await images.look()).toMatchObject({ candidate: b, active: expect.not.stringContaining(b) });
  await images.judge(report(b, { dataSchema: 2 }));
  expect(await images.look()).toMatchObject({ candidate: "", active: b });
});

test("another version that comes in the middle of a trial finds the disk as it was before", async () => {
  const before = readFileSync(diskPath(), "utf8");
  offerImage(offered, "B", { dataSchema: 2 });
  await images.next(signal);
  writeFileSync(diskPath(), "half migrated");
  const c = offerImage(offered, "C", { dataSchema: 2 });
  expect((await images.next(signal)).sha256).toBe(c);
  expect(readFileSync(diskPath(), "utf8")).toBe(before);
  expect(await images.look()).toMatchObject({ candidate: c, warning: "" });
  // And the version before that, too.
  writeFileSync(diskPath(), "half migrated");
  const a = offerImage(offered, "A");
  expect((await images.next(signal)).sha256).toBe(a);
  expect(readFileSync(diskPath(), "utf8")).toBe(before);
});

test("a state that cannot be read is put aside, and the disk left alone", async () => {
  const before = readFileSync(diskPath(), "utf8");
  const statePath = join(folder, "machines", machineId, "image.json");
  writeFileSync(statePath, "{ half");
  const a = offerImage(offered, "A");
  expect((await images.next(signal)).sha256).toBe(a);
  expect(readFileSync(`${statePath}.unreadable`, "utf8")).toBe("{ half");
  expect(readFileSync(diskPath(), "utf8")).toBe(before);
});

test("a suspended machine goes on with its own image, and a new one waits for the next boot", async () => {
  const a = offerImage(offered, "A");
  const spec = { id: machineId, image: await images.next(signal), cpus: 1, memoryBytes: 1, dataDiskLimitBytes: 1 };
  await driver.start(spec, signal);
  await images.judge(report(a));
  expect(await images.isNewOffered()).toBe(false);
  await driver.suspend(machineId, { signal });
  const b = offerImage(offered, "B");
  expect(await images.isNewOffered()).toBe(true);
  expect((await images.next(signal)).sha256).toBe(a);
  await driver.start(spec, signal);
  await driver.shutdown(machineId, { graceMs: 0, signal });
  expect((await images.next(signal)).sha256).toBe(b);
});
