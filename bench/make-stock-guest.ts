import { spawnSync } from "node:child_process";
import { cp, mkdir, readdir, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { mmdebstrap } from "../tools/image/mmdebstrap.ts";
import { run } from "../tools/image/shell.ts";
import { stockGuestDiskBytes, stockGuestFiles, stockGuestHooks, stockGuestPackages } from "./stock-guest-recipe.ts";

/** `node bench/make-stock-guest.ts --out DIR --key FILE.pub`: kernel, initrd and disk of the guest that Berth is measured against. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { out: { type: "string" }, key: { type: "string" }, arch: { type: "string" } } });
  const { out, key, arch } = values;
  if (out === undefined || key === undefined || arch === undefined) throw new Error("--out, --key and --arch are needed");
  if (process.getuid?.() !== 0) {
    const result = spawnSync("mmdebstrap", ["--unshare-helper", process.execPath, ...process.argv.slice(1)], { stdio: "inherit" });
    if (result.status !== 0)
      throw new Error("the stock guest could not be built without root: a subuid range and newuidmap are needed (package uidmap)");
    return;
  }
  const work = `${out}.work`;
  await rm(work, { recursive: true, force: true });
  await mkdir(join(work, "out"), { recursive: true });
  const rootfs = join(work, "root");
  await mmdebstrap({
    arch,
    variant: "important",
    packages: stockGuestPackages(arch),
    source: "http://deb.debian.org/debian",
    suite: "trixie",
    out: rootfs,
    hooks: stockGuestHooks,
  });
  for (const [path, text] of Object.entries(stockGuestFiles(key))) {
    await mkdir(join(rootfs, path, ".."), { recursive: true });
    await writeFile(join(rootfs, path), text);
  }
  // As in any cloud image: the machine's own identity comes at its first boot.
  for (const name of await readdir(join(rootfs, "etc/ssh"))) if (name.startsWith("ssh_host_")) await rm(join(rootfs, "etc/ssh", name));
  await writeFile(join(rootfs, "etc/machine-id"), "");
  const boot = await readdir(join(rootfs, "boot"));
  for (const [prefix, name] of [
    ["vmlinuz-", "kernel"],
    ["initrd.img-", "initrd"],
  ] as const) {
    await cp(join(rootfs, "boot", boot.find((file) => file.startsWith(prefix)) ?? ""), join(work, "out", name));
  }
  const disk = join(work, "out/disk.raw");
  await writeFile(disk, "");
  await truncate(disk, stockGuestDiskBytes);
  await run("mkfs.ext4", ["-q", "-F", "-L", "stock-root", "-d", rootfs, disk]);
  await rm(out, { recursive: true, force: true });
  await rename(join(work, "out"), out);
  await rm(work, { recursive: true, force: true });
}

await main();
