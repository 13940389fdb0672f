import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hostImageArch } from "../src/vm/image/find-image.ts";
import { findVirtiofsd } from "../src/vm/qemu/virtiofsd.ts";
import { debPath, downloadPackages, resolveList } from "./image/debian-packages.ts";
import { run } from "./image/shell.ts";

const cacheFolder = join(import.meta.dirname, "../.cache");
const multiarch = { amd64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" } as const;
const loaders = { amd64: "ld-linux-x86-64.so.2", arm64: "ld-linux-aarch64.so.1" } as const;

/**
 * virtiofsd for tests: this computer's own, or on an older system, whose libraries it would not run with, Debian's with
 * all that it needs, unpacked in a folder of this checkout. Undefined where no machine could use it.
 */
export async function provideVirtiofsd(): Promise<string | undefined> {
  if (process.platform !== "linux") return undefined;
  const found = findVirtiofsd(process.env);
  if (found !== undefined) return found;
  const folder = join(cacheFolder, "virtiofsd");
  const program = join(folder, "virtiofsd");
  if (existsSync(program)) return program;
  await mkdir(cacheFolder, { recursive: true });
  const made = await mkdtemp(join(cacheFolder, "virtiofsd-"));
  try {
    await unpack(made, program);
    await rm(folder, { recursive: true, force: true });
    await rename(made, folder);
  } catch (error) {
    await rm(made, { recursive: true, force: true });
    // Another process was quicker.
    if (!existsSync(program)) throw error;
  }
  return program;
}

async function unpack(folder: string, program: string): Promise<void> {
  const arch = hostImageArch();
  const packages = await resolveList(arch, ["virtiofsd"]);
  const debs = join(cacheFolder, "debs");
  await downloadPackages(arch, packages, debs, async (_name, work) => work());
  const tree = join(folder, "tree");
  await mkdir(tree);
  for (const { sha256 } of packages) await run("dpkg-deb", ["--extract", debPath(debs, sha256), tree]);
  const at = join(program, "../tree/usr");
  const lines = [
    "#!/bin/sh",
    `exec ${at}/lib/${multiarch[arch]}/${loaders[arch]} --library-path ${at}/lib/${multiarch[arch]} ${at}/libexec/virtiofsd "$@"`,
  ];
  await writeFile(join(folder, "virtiofsd"), `${lines.join("\n")}\n`);
  await chmod(join(folder, "virtiofsd"), 0o755);
}
