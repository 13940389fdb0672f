import { createHash } from "node:crypto";
import { constants, copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findImage, hostImageArch } from "../../src/vm/image/find-image.ts";
import { imageManifestSchema } from "../../src/vm/image/manifest.ts";
import { cpioArchive } from "../../tools/image/cpio.ts";
import { bundlePrograms, must, Product } from "./product.ts";

/** Real machines, real disks: what tests/integration/upgrade.test.ts has at every step, once in earnest. */
const projectRoot = join(import.meta.dirname, "../..");
const product = new Product();
const offered = join(product.folder, "offered");
product.env["BERTH_IMAGES"] = offered;
const arch = hostImageArch();

beforeAll(async () => {
  bundlePrograms();
  await offer("first", undefined);
  startMachine();
  must(product.machine("sh", "-c", "echo made by a person > /data/precious && sync /data/precious"));
});

afterAll(() => product.end());

test("an image of a higher schema brings the disk to it, is good, and leaves nothing behind", async () => {
  const identity = await offer("second", { schema: 2, migration: "echo moved > /data/moved" });
  restartMachine();
  expect(imageFacts()).toMatchObject({ active: identity, candidate: "", offered: identity, warning: "" });
  expect(onDisk()).toEqual({ precious: "made by a person", schema: "2", moved: "moved" });
  expect(copies()).toEqual([]);
}, 600_000);

test("an image of a lower schema is refused and the disk left alone", async () => {
  await offer("first", undefined);
  must(product.berth("machine", "stop"));
  const refused = product.berth("machine", "start");
  expect(refused.status).not.toBe(0);
  expect(refused.stderr).toContain("The machine's disk is of a newer version");
  await offer("second", { schema: 2, migration: "echo moved > /data/moved" });
  startMachine();
  expect(onDisk()).toMatchObject({ precious: "made by a person", schema: "2" });
}, 600_000);

test("an image that does not boot makes way for the one before it", async () => {
  const { active } = imageFacts();
  await offer("third", { schema: 2, boots: false });
  restartMachine();
  expect(imageFacts()).toMatchObject({ active, candidate: "", warning: expect.stringContaining("did not come up") });
  expect(onDisk()).toMatchObject({ precious: "made by a person", schema: "2" });
}, 600_000);

test("a migration that ruins the disk and fails is undone", async () => {
  const { active } = imageFacts();
  await offer("fourth", { schema: 3, migration: "rm /data/precious /data/moved; sync; exit 1" });
  restartMachine();
  expect(imageFacts()).toMatchObject({ active, warning: expect.stringContaining("could not be brought from schema 2 to 3") });
  expect(onDisk()).toEqual({ precious: "made by a person", schema: "2", moved: "moved" });
  expect(copies()).toEqual([]);
}, 600_000);

interface Variant {
  readonly schema: number;
  /** A shell script that takes the disk one schema further. */
  readonly migration?: string;
  readonly boots?: boolean;
}

/** Makes an image the offered one: the project's own, or the same with another identity and schema. */
async function offer(name: string, variant: Variant | undefined): Promise<string> {
  const original = await findImage(process.env["BERTH_IMAGES"] ?? join(projectRoot, ".cache/images"), arch);
  const manifest = imageManifestSchema.parse(JSON.parse(readFileSync(join(dirname(original.kernelPath), "manifest.json"), "utf8")));
  const identity = variant === undefined ? manifest.inputs : sha256(name);
  const folder = join(offered, identity.slice(0, 32));
  writePointer(folder);
  if (existsSync(folder)) return identity;
  mkdirSync(folder, { recursive: true });
  const initrd = readFileSync(original.initrdPath);
  const changed = variant === undefined ? initrd : Buffer.concat([initrd, overlay(identity, variant)]);
  writeFileSync(join(folder, "initrd"), changed);
  for (const path of [original.kernelPath, original.rootPath]) link(path, join(folder, path.split("/").at(-1) ?? ""));
  const changes = { inputs: identity, dataSchema: variant?.schema ?? manifest.dataSchema };
  writeFileSync(
    join(folder, "manifest.json"),
    JSON.stringify({ ...manifest, ...changes, files: { ...manifest.files, initrd: sha256(changed) } }),
  );
  return identity;
}

function writePointer(folder: string): void {
  mkdirSync(offered, { recursive: true });
  writeFileSync(join(offered, `current-${arch}.json`), JSON.stringify({ folder: basename(folder) }));
}

/** What the kernel unpacks over the initramfs: an init that lays the variant's files over those of the root. */
function overlay(identity: string, { schema, migration = "true", boots = true }: Variant): Buffer {
  const init = readFileSync(join(projectRoot, "resources/guest/initramfs/init"), "utf8");
  const lay = [
    "mkdir /variant",
    "mount -t tmpfs tmpfs /variant",
    "cp /variant-image-sha256 /variant-data-schema /variant",
    "mount --bind /variant/variant-image-sha256 /root/usr/share/berth/image-sha256",
    "mount --bind /variant/variant-data-schema /root/usr/share/berth/data-schema",
    "mount -t tmpfs tmpfs /root/usr/lib/berth/migrations",
    `cp /variant-migration /root/usr/lib/berth/migrations/${schema - 1}`,
  ].map((line) => `    /bin/busybox ${line}\n`);
  const script = boots ? init.replace("    for m in dev", `${lay.join("")}    for m in dev`) : "#!/bin/busybox sh\nexit 1\n";
  const file = (path: string, mode: number, text: string) => ({ path, mode: 0o100000 | mode, data: Buffer.from(text) });
  return cpioArchive(
    [
      file("init", 0o755, script),
      file("variant-image-sha256", 0o644, identity),
      file("variant-data-schema", 0o644, `${schema}\n`),
      file("variant-migration", 0o755, `#!/bin/sh\n${migration}\n`),
    ],
    0,
  );
}

function link(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    // On another file system.
    copyFileSync(from, to, constants.COPYFILE_FICLONE);
  }
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

function startMachine(): void {
  const started = product.berth("machine", "start");
  if (started.status !== 0) throw new Error(`${started.stderr}\n${product.hostLog()}\n${product.console()}`);
}

function restartMachine(): void {
  must(product.berth("machine", "stop"));
  startMachine();
}

function imageFacts(): Readonly<Record<string, unknown>> {
  return JSON.parse(must(product.berth("machine", "image", "--json")).stdout) as Readonly<Record<string, unknown>>;
}

function onDisk(): Readonly<Record<string, string>> {
  const { stdout } = must(product.machine("sh", "-c", "cd /data && grep -H . precious schema moved"));
  return Object.fromEntries(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.split(":", 2)),
  );
}

function copies(): string[] {
  return readdirSync(join(product.home, "machines/default")).filter((name) => name.includes(".before-"));
}
