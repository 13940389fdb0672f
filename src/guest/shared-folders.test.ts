import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type MountedFolder, MountedFolderSchema } from "../contract/gen/berth/v1/agent_pb.js";
import { SharedFolders } from "./shared-folders.ts";

const id = "01900000-0000-7000-8000-000000000001";
let run: string;
/** What mount and umount would have made, as /proc/mounts tells it. */
let mounts: string[];
let commands: string[];
let folders: SharedFolders;

beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), "berth-folders-"));
  mounts = [];
  commands = [];
  folders = new SharedFolders({ runFolder: run, mounts: () => mounts.join("\n"), run: async (argv) => mount(argv) });
});
afterEach(() => rmSync(run, { recursive: true, force: true }));

function mount(argv: readonly string[]): void {
  commands.push(argv.join(" "));
  const path = argv.at(-1) ?? "";
  const options = argv[argv.indexOf("-o") + 1] ?? "";
  if (argv[0] === "umount") mounts = mounts.filter((line) => line.split(" ")[1] !== path);
  else if (argv.includes("tmpfs")) mounts.push(`tmpfs ${path} tmpfs ${options} 0 0`);
  else if (argv.includes("virtiofs")) {
    if (argv.at(-2) === "absent") throw new Error("mount: wrong fs type");
    mounts.push(`${argv.at(-2)} ${path} virtiofs ${options} 0 0`);
  } else if (options.startsWith("remount"))
    mounts = mounts.map((line) => (line.split(" ")[1] === path ? line.replace(/ r[wo],/, options.endsWith("ro") ? " ro," : " rw,") : line));
}

const folderOf = (changed: Partial<MountedFolder>): MountedFolder =>
  create(MountedFolderSchema, { tag: "data", environmentId: id, name: "data", readOnly: true, ...changed });

const mounted = (): string[] => mounts.filter((line) => line.includes(" virtiofs "));

test("a folder is mounted once, read-only as it was asked for, in a place that no container can change", async () => {
  expect(await folders.set([folderOf({})])).toEqual({});
  expect(await folders.set([folderOf({})])).toEqual({});
  expect(mounted()).toEqual([`data ${join(run, "host", id, "data")} virtiofs nosuid,nodev,ro 0 0`]);
  expect(mounts[0]).toBe(`tmpfs ${join(run, "host", id)} tmpfs ro,mode=755,size=64k,nosuid,nodev 0 0`);
});

test("what is no longer named goes, and one that was given anew with another right comes", async () => {
  await folders.set([folderOf({}), folderOf({ tag: "more", name: "more" })]);
  await folders.set([folderOf({ tag: "anew", readOnly: false })]);
  expect(mounted()).toEqual([`anew ${join(run, "host", id, "data")} virtiofs nosuid,nodev,rw 0 0`]);
  expect(readdirSync(join(run, "host", id))).toEqual(["data"]);
});

test("a folder that the machine was not started with is told, and nobody writes to its place instead", async () => {
  expect(await folders.set([folderOf({ tag: "absent" }), folderOf({ tag: "more", name: "more" })])).toEqual({
    absent: "mount: wrong fs type",
  });
  expect(existsSync(join(run, "host", id, "data"))).toBe(false);
  expect(mounted()).toHaveLength(1);
});

test("neither a name nor a link leads a mount astray", async () => {
  expect(Object.keys(await folders.set([folderOf({ name: "../../etc" })]))).toEqual(["data"]);
  mkdirSync(join(run, "elsewhere"));
  await folders.prepare(id);
  symlinkSync(join(run, "elsewhere"), join(run, "host", id, "data"));
  expect(await folders.set([folderOf({})])).toEqual({ data: "something else is in its place" });
  expect(mounted()).toEqual([]);
});

test("a removed environment leaves no mount and no folder", async () => {
  await folders.set([folderOf({})]);
  await folders.remove(id);
  expect(mounts).toEqual([]);
  expect(readdirSync(join(run, "host"))).toEqual([]);
});
