import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sha256OfFile } from "../../src/vm/image/image-folder.ts";
import { writeDockerArchive } from "./docker-archive.ts";
import { packErofs } from "./erofs.ts";
import { buildInitramfs } from "./initramfs.ts";
import { tarFolder } from "./tar.ts";
import { copyTree, removeIdentity } from "./tree.ts";

/** The whole proof is `npm run image -- --verify`; here each packer meets what two builds differ in. */
describe.skipIf(process.platform !== "linux")("the same tree gives the same bytes", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "berth-image-"));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const names = ["alpha", "beta", "gamma/delta", "zeta"];

  /** A tree as one build makes it: its files appear in an order of its own and at times of its own. */
  function treeOf(build: "first" | "second"): string {
    const tree = join(folder, build, "tree");
    for (const name of ["etc", "gamma", "usr/lib/python/__pycache__", "var/lib/dpkg"]) mkdirSync(join(tree, name), { recursive: true });
    for (const name of build === "first" ? names : names.toReversed()) writeFileSync(join(tree, name), `content of ${name}\n`.repeat(500));
    symlinkSync("alpha", join(tree, "link"));
    chmodSync(join(tree, "beta"), 0o755);
    writeFileSync(join(tree, "etc/shadow"), `root:*:${build === "first" ? 20000 : 20001}:0:99999:7:::\nnobody:*:20000:0:99999:7:::\n`);
    writeFileSync(join(tree, "etc/machine-id"), build);
    writeFileSync(
      join(tree, "etc/gitconfig"),
      `[filter "lfs"]\n${build === "first" ? "\tclean = c\n\tsmudge = s" : "\tsmudge = s\n\tclean = c"}\n`,
    );
    writeFileSync(join(tree, "usr/lib/python/__pycache__/a.pyc"), build);
    writeFileSync(join(tree, "var/lib/dpkg/status-old"), build);
    for (const name of names) utimesSync(join(tree, name), new Date(), new Date(build === "first" ? 1e12 : 1.5e12));
    return tree;
  }

  /** Packs both trees and gives the two hashes. */
  async function packBoth(pack: (tree: string, out: string) => Promise<void>): Promise<string[]> {
    const hashes: string[] = [];
    for (const build of ["first", "second"] as const) {
      const tree = treeOf(build);
      await removeIdentity(tree);
      const out = join(folder, build, "packed");
      await pack(tree, out);
      hashes.push(await sha256OfFile(out));
    }
    return hashes;
  }

  test("root file system", async () => {
    const [first, second] = await packBoth(packErofs);
    expect(second).toBe(first);
  });

  test("default dev container image", async () => {
    const [first, second] = await packBoth(async (tree, out) => {
      await tarFolder(tree, `${out}.layer`);
      await writeDockerArchive({ layerTar: `${out}.layer`, name: "a:1", arch: "amd64", labels: { b: "c" }, out });
    });
    expect(second).toBe(first);
  });

  test("initramfs", async () => {
    const [first, second] = await packBoth(async (tree, out) => {
      mkdirSync(join(tree, "initramfs"));
      writeFileSync(join(tree, "initramfs/init"), "#!/bin/busybox sh\n");
      await buildInitramfs({ recipeFolder: tree, busybox: join(tree, "beta"), modules: [join(tree, "alpha")], out });
    });
    expect(second).toBe(first);
    const text = readFileSync(join(folder, "first/packed"), "latin1");
    expect(text).toContain("content of alpha");
    expect(text).toContain("TRAILER!!!");
  });

  test("a copied tree's links lead where they led, not to where the tree was", async () => {
    await copyTree(treeOf("first"), join(folder, "copy"));
    expect(readlinkSync(join(folder, "copy/link"))).toBe("alpha");
  });
});
