import { readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type CpioEntry, cpioArchive } from "./cpio.ts";
import { sourceDateEpoch } from "./shell.ts";

const folderMode = 0o040755;
const programMode = 0o100755;
const fileMode = 0o100644;
const characterDeviceMode = 0o020600;

/**
 * The first root: busybox, the modules of the root disk in the order they load, and a script that finds it.
 * Uncompressed: it is small, comes from the host's page cache, and the guest need not unpack it.
 */
export async function buildInitramfs(options: {
  readonly recipeFolder: string;
  readonly busybox: string;
  readonly modules: readonly string[];
  readonly out: string;
}): Promise<void> {
  const names = options.modules.map((path) => basename(path));
  const entries: CpioEntry[] = [
    ...["bin", "dev", "modules", "proc", "root", "sys"].map((path) => ({ path, mode: folderMode })),
    // The kernel opens it for /init before devtmpfs is there.
    { path: "dev/console", mode: characterDeviceMode, device: { major: 5, minor: 1 } },
    { path: "bin/busybox", mode: programMode, data: await readFile(options.busybox) },
    { path: "init", mode: programMode, data: await readFile(join(options.recipeFolder, "initramfs/init")) },
    { path: "modules/order", mode: fileMode, data: Buffer.from(names.map((name) => `${name}\n`).join("")) },
  ];
  for (const [index, path] of options.modules.entries())
    entries.push({ path: `modules/${names[index]}`, mode: fileMode, data: await readFile(path) });
  await writeFile(options.out, cpioArchive(entries, sourceDateEpoch));
}
