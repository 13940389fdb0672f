import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { Diagnosis_Severity, MachineState } from "../../src/contract/gen/berth/v1/host_pb.js";
import { EnvironmentPhase } from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { describeImage } from "../../src/vm/image/fetch-image.ts";
import { hostImageArch } from "../../src/vm/image/find-image.ts";
import { type UpgradeStep, upgradeSteps } from "../../src/vm/image/machine-images.ts";
import { imageManifestSchema } from "../../src/vm/image/manifest.ts";
import type { SimulatedImage } from "../../src/vm/simulated/simulated-image.ts";
import { SimulatedHost } from "../support/simulated-host.ts";
import { offerImage, sha256 } from "../support/simulated-images.ts";

const waitLimitMs = 30_000;
const pollMs = 20;
const diskSchema = z.object({
  dataSchema: z.number(),
  environments: z.record(z.string(), z.object({ jobs: z.array(z.object({ kind: z.string(), startedAtMs: z.number() })) })),
});

/** A host whose machine runs image A with one environment, and was killed; others begin as copies of it. */
let first: UpgradedHost;
const hosts: UpgradedHost[] = [];

class UpgradedHost {
  readonly host: SimulatedHost;
  id = "";
  /** When the working copy was made: another one would not have it. */
  clonedAtMs = 0;

  constructor(from?: UpgradedHost, { smallDisk = false } = {}) {
    this.host = new SimulatedHost();
    this.host.env["BERTH_SIMULATED_IMAGES"] = join(this.host.folder, "offered");
    if (from === undefined) return;
    mkdirSync(this.machineFolder, { recursive: true });
    if (smallDisk) expect(spawnSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", this.machineFolder]).status).toBe(0);
    cpSync(from.home, this.home, { recursive: true });
    this.id = from.id;
    this.clonedAtMs = from.clonedAtMs;
    hosts.push(this);
  }

  get home(): string {
    return join(this.host.folder, "home");
  }

  get machineFolder(): string {
    return join(this.home, "machines/default");
  }

  /** Makes an image the one that comes with Berth; gives its identity. */
  offer(name: string, kernel: Partial<SimulatedImage> = {}): string {
    return offerImage(join(this.host.folder, "offered"), name, kernel);
  }

  /** Gives the machine's folder back to the disk that has space. */
  freeSpace(): void {
    const aside = join(this.host.folder, "aside");
    cpSync(this.machineFolder, aside, { recursive: true });
    expect(spawnSync("umount", [this.machineFolder]).status).toBe(0);
    cpSync(aside, this.machineFolder, { recursive: true });
  }

  /** What is offered lies on a server and no longer beside the app. */
  async serveOffered(): Promise<Server> {
    const pointer = join(this.host.folder, "offered", `current-${hostImageArch()}.json`);
    const { folder } = z.object({ folder: z.string() }).parse(JSON.parse(readFileSync(pointer, "utf8")));
    const read = (name: string): Buffer => readFileSync(join(this.host.folder, "offered", folder, name));
    const manifest = imageManifestSchema.parse(JSON.parse(read("manifest.json").toString()));
    const bytes = { kernel: read("kernel").length, initrd: read("initrd").length, "root.erofs": read("root.erofs").length };
    rmSync(pointer);
    const server = createServer(({ url = "" }, response) =>
      response.end(url === "/download.json" ? JSON.stringify(describeImage(manifest, bytes)) : read(url.slice(1))),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    this.host.env["BERTH_IMAGE_URL"] = `http://127.0.0.1:${address.port}/download.json`;
    return server;
  }

  async end(): Promise<void> {
    await this.host.kill();
    spawnSync("umount", ["-q", this.machineFolder], { stdio: "ignore" });
    await this.host.end();
  }

  async start(faults = ""): Promise<void> {
    this.host.env["BERTH_SIMULATE"] = faults;
    await this.host.start();
  }

  async restart(): Promise<void> {
    await this.host.kill();
    await this.start();
  }

  /** Its machine first: until then the environment's phase is what the host before saw. */
  async whenRunning(): Promise<void> {
    await this.whenMachine(MachineState.READY);
    await this.host.whenPhase(this.id, EnvironmentPhase.RUNNING);
  }

  async whenMachine(state: MachineState): Promise<void> {
    const seen = await waitUntil(async () => (await this.machine())?.state === state, {
      intervalMs: pollMs,
      signal: AbortSignal.timeout(waitLimitMs),
    });
    if (!seen) throw new Error(`the machine is ${MachineState[(await this.machine())?.state ?? 0]}, not ${MachineState[state]}`);
  }

  async machine() {
    return (await this.host.host.getMachine({})).machine;
  }

  /** The environment has what it had, and the disk the schema of its image. */
  expectData(dataSchema: number): void {
    expect(this.disk.dataSchema).toBe(dataSchema);
    expect(cloneTimes(this.disk, this.id)).toEqual([this.clonedAtMs]);
  }

  get disk(): z.infer<typeof diskSchema> {
    return diskSchema.parse(JSON.parse(this.diskText));
  }

  get diskText(): string {
    return readFileSync(join(this.machineFolder, "disk.json"), "utf8");
  }

  get copies(): string[] {
    return readdirSync(this.machineFolder).filter((name) => name.includes(".before-"));
  }

  /** Identities of the images that the host keeps, shortened. */
  get stored(): string[] {
    return readdirSync(join(this.home, "images")).toSorted();
  }
}

function cloneTimes({ environments }: z.infer<typeof diskSchema>, id: string): number[] {
  return (environments[id]?.jobs ?? []).filter((job) => job.kind === "clone").map((job) => job.startedAtMs);
}

const folders = (...identities: readonly string[]): string[] => identities.map((identity) => identity.slice(0, 32)).toSorted();

beforeAll(async () => {
  first = new UpgradedHost();
  first.offer("A");
  await first.start();
  first.id = await first.host.create("app");
  await first.whenRunning();
  await first.host.kill();
  first.clonedAtMs = cloneTimes(first.disk, first.id)[0] ?? 0;
  expect(first.clonedAtMs).toBeGreaterThan(0);
});

afterEach(async () => {
  for (const upgraded of hosts.splice(0)) await upgraded.end();
});

afterAll(async () => first.host.end());

test("a new image is tried and good once it is up; the one before it stays, older ones go", async () => {
  const upgraded = new UpgradedHost(first);
  const b = upgraded.offer("B");
  await upgraded.start();
  await upgraded.whenRunning();
  expect((await upgraded.machine())?.imageSha256).toBe(b);
  expect((await upgraded.machine())?.image).toMatchObject({
    activeSha256: b,
    previousSha256: sha256("A"),
    candidateSha256: "",
    offeredSha256: b,
    warning: "",
  });
  upgraded.expectData(1);
  await upgraded.host.kill();
  const c = upgraded.offer("C", { dataSchema: 2 });
  await upgraded.start();
  await upgraded.whenRunning();
  expect((await upgraded.machine())?.image).toMatchObject({ activeSha256: c, previousSha256: b });
  upgraded.expectData(2);
  expect(upgraded.copies).toEqual([]);
  expect(upgraded.stored).toEqual(folders(b, c));
  // Nor does the next host keep what no machine names.
  cpSync(join(upgraded.home, "images", b.slice(0, 32)), join(upgraded.home, "images", "0".repeat(32)), { recursive: true });
  await upgraded.restart();
  await upgraded.whenRunning();
  expect(upgraded.stored).toEqual(folders(b, c));
});

test("a new image that does not come up makes way for the one before it, with the disk as it was, and a person is told", async () => {
  const upgraded = new UpgradedHost(first);
  const bad = upgraded.offer("bad", { dataSchema: 2, damagesDisk: true, panics: true });
  await upgraded.start();
  await upgraded.whenRunning();
  upgraded.expectData(1);
  expect(upgraded.copies).toEqual([]);
  const machine = await upgraded.machine();
  expect(machine).toMatchObject({ state: MachineState.READY, imageSha256: sha256("A") });
  expect(machine?.image?.warning).toContain(`${bad.slice(0, 12)} did not come up`);
  expect(machine?.image?.warning).toContain(`runs ${sha256("A").slice(0, 12)}`);
  const { diagnoses } = await upgraded.host.host.diagnose({});
  expect(diagnoses.find((d) => d.id === "image")).toMatchObject({ severity: Diagnosis_Severity.WARNING });

  // It is not tried again by itself, but when a person wants it, and another one is.
  const state = (): string => readFileSync(join(upgraded.machineFolder, "image.json"), "utf8");
  const before = state();
  await upgraded.restart();
  await upgraded.whenRunning();
  expect(state()).toBe(before);
  await upgraded.host.host.retryMachineImage({});
  expect((await upgraded.machine())?.image?.warning).toBe("");
  await upgraded.restart();
  await upgraded.whenRunning();
  expect((await upgraded.machine())?.image?.warning).toContain("did not come up");
  expect(state()).not.toBe(before);
  await upgraded.host.kill();
  const mended = upgraded.offer("mended", { dataSchema: 2 });
  await upgraded.start();
  await upgraded.whenRunning();
  expect((await upgraded.machine())?.image).toMatchObject({ activeSha256: mended, warning: "" });
  upgraded.expectData(2);
});

test("a migration that does not come to its end is undone", async () => {
  const upgraded = new UpgradedHost(first);
  upgraded.offer("half", { dataSchema: 2, migrates: false });
  await upgraded.start();
  await upgraded.whenRunning();
  expect((await upgraded.machine())?.image?.warning).toContain("data-migration-failed");
  expect((await upgraded.machine())?.imageSha256).toBe(sha256("A"));
  upgraded.expectData(1);
});

test("an image whose files are damaged is not booted", async () => {
  const upgraded = new UpgradedHost(first);
  const damaged = upgraded.offer("damaged");
  writeFileSync(join(upgraded.host.folder, "offered", damaged.slice(0, 32), "root.erofs"), "other bytes");
  await upgraded.start();
  await upgraded.whenRunning();
  expect((await upgraded.machine())?.image?.warning).toContain("image-corrupt");
  upgraded.expectData(1);
  expect(upgraded.stored).toEqual(folders(sha256("A")));
});

test("an older version of Berth leaves a newer disk alone and says what can be done", async () => {
  const upgraded = new UpgradedHost(first);
  const b = upgraded.offer("B", { dataSchema: 2 });
  await upgraded.start();
  await upgraded.whenRunning();
  await upgraded.host.kill();
  const before = upgraded.diskText;
  upgraded.offer("A");
  await upgraded.start();
  await upgraded.whenMachine(MachineState.FAILED);
  expect((await upgraded.machine())?.failureMessage).toContain("data-schema-too-new: the disk has schema 2");
  expect(upgraded.diskText).toBe(before);
  await upgraded.host.kill();
  upgraded.offer("B", { dataSchema: 2 });
  await upgraded.start();
  await upgraded.whenRunning();
  expect((await upgraded.machine())?.imageSha256).toBe(b);
  upgraded.expectData(2);
});

test("an image that was damaged on this computer is taken anew from what came with Berth", async () => {
  const upgraded = new UpgradedHost(first);
  const file = join(upgraded.home, "images", upgraded.offer("A").slice(0, 32), "initrd");
  rmSync(file);
  writeFileSync(file, "other bytes");
  await upgraded.start();
  await upgraded.whenRunning();
  expect(readFileSync(file, "utf8")).toBe("initrd");
  expect((await upgraded.machine())?.imageSha256).toBe(sha256("A"));
});

test.skipIf(process.getuid?.() !== 0)(
  "without space for a copy of the disk the machine runs on as before, and says what is needed",
  async () => {
    const upgraded = new UpgradedHost(first, { smallDisk: true });
    const b = upgraded.offer("B", { dataSchema: 2 });
    await upgraded.start();
    await upgraded.whenRunning();
    expect((await upgraded.machine())?.image?.warning).toMatch(/was not brought to the new version: \d.* GiB are needed/);
    upgraded.expectData(1);
    await upgraded.host.kill();
    upgraded.freeSpace();
    await upgraded.start();
    await upgraded.whenRunning();
    expect((await upgraded.machine())?.image).toMatchObject({ activeSha256: b, warning: "" });
    upgraded.expectData(2);
  },
);

test("an image that did not come along is downloaded; later it is not needed to be there", async () => {
  const upgraded = new UpgradedHost(first);
  const b = upgraded.offer("B", { dataSchema: 2 });
  const server = await upgraded.serveOffered();
  await upgraded.start();
  await upgraded.whenRunning();
  expect((await upgraded.machine())?.image).toMatchObject({ activeSha256: b, offeredSha256: b, warning: "" });
  upgraded.expectData(2);
  server.close();
  server.closeAllConnections();
  await upgraded.restart();
  await upgraded.whenRunning();
  expect((await upgraded.machine())?.imageSha256).toBe(b);
  // Another address that does not answer is no reason not to start.
  upgraded.host.env["BERTH_IMAGE_URL"] = "http://127.0.0.1:9/download.json";
  await upgraded.restart();
  await upgraded.whenRunning();
  upgraded.expectData(2);
});

test("the image of a machine stays when the app that brought it is gone", async () => {
  const upgraded = new UpgradedHost(first);
  expect(existsSync(join(upgraded.host.folder, "offered"))).toBe(false);
  await upgraded.start();
  await upgraded.whenRunning();
  expect((await upgraded.machine())?.imageSha256).toBe(sha256("A"));
});

const failureSteps: readonly UpgradeStep[] = ["failure-seen", "disk-restored", "fallback-noted"];
const successSteps: readonly UpgradeStep[] = ["came-up", "good-noted", "copies-dropped", "old-images-removed"];

test.each(upgradeSteps.filter((step) => !failureSteps.includes(step)))(
  "a host that is killed at '%s' of an upgrade is followed by one that ends it, with the data",
  async (step) => {
    const upgraded = new UpgradedHost(first);
    const b = upgraded.offer("B", { dataSchema: 2 });
    await upgraded.start(`die-at-${step}`);
    await upgraded.host.whenKilled();
    await upgraded.start();
    await upgraded.whenRunning();
    expect((await upgraded.machine())?.image).toMatchObject({ activeSha256: b, candidateSha256: "", warning: "" });
    upgraded.expectData(2);
    expect(upgraded.copies).toEqual([]);
    expect(upgraded.stored).toEqual(folders(sha256("A"), b));
  },
);

test.each(upgradeSteps.filter((step) => !successSteps.includes(step)))(
  "a host that is killed at '%s' of an upgrade that fails is followed by one that goes back, with the data",
  async (step) => {
    const upgraded = new UpgradedHost(first);
    const bad = upgraded.offer("bad", { dataSchema: 2, damagesDisk: true, panics: true });
    await upgraded.start(`die-at-${step}`);
    await upgraded.host.whenKilled();
    await upgraded.start();
    await upgraded.whenRunning();
    expect((await upgraded.machine())?.image).toMatchObject({ activeSha256: sha256("A"), candidateSha256: "" });
    expect((await upgraded.machine())?.image?.warning).toContain(`${bad.slice(0, 12)} did not come up`);
    upgraded.expectData(1);
    expect(upgraded.copies).toEqual([]);
  },
);
