import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { run, sourceDateEpoch } from "./shell.ts";

/** The first root: busybox, the modules of the root disk, and a script that finds it. */
export async function buildInitramfs(options: {
  readonly recipeFolder: string;
  readonly rootfs: string;
  readonly out: string;
}): Promise<void> {
  const folder = `${options.out}.d`;
  await rm(folder, { recursive: true, force: true });
  for (const name of ["bin", "dev", "proc", "sys", "root", "modules"]) await mkdir(join(folder, name), { recursive: true });
  await cp(join(options.rootfs, "usr/bin/busybox"), join(folder, "bin/busybox"));
  const modules = (await readFile(`${options.rootfs}.early-modules`, "utf8")).trim().split("\n");
  for (const path of modules) await cp(path, join(folder, "modules", basename(path)));
  await writeFile(join(folder, "modules/order"), modules.map((path) => `${basename(path)}\n`).join(""));
  await cp(join(options.recipeFolder, "initramfs/init"), join(folder, "init"));
  await run("chmod", ["755", join(folder, "init"), join(folder, "bin/busybox")]);
  await run("find", [folder, "-exec", "touch", "-h", "-d", `@${sourceDateEpoch}`, "{}", "+"]);
  // Uncompressed: it is 3 MB, read from the host's page cache, and the guest need not unpack it.
  await run(
    "sh",
    ["-c", 'find . -print0 | LC_ALL=C sort -z | cpio --quiet --null -o -H newc --reproducible --owner=0:0 > "$1"', "sh", options.out],
    { cwd: folder },
  );
  await rm(folder, { recursive: true });
}
