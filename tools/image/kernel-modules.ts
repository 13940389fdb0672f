import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readList } from "./inputs.ts";
import { run } from "./shell.ts";

/**
 * Unpacks all modules, since loading a compressed one costs the guest more than its size on disk is worth,
 * and writes the order in which berth-boot loads them. Gives the paths of those for the initramfs.
 */
export async function prepareModules(rootfs: string, recipeFolder: string): Promise<string[]> {
  const version = (await readdir(join(rootfs, "usr/lib/modules")))[0] ?? "";
  const base = join(rootfs, "usr/lib/modules", version);
  await run("find", [base, "-name", "*.ko.xz", "-exec", "unxz", "{}", "+"]);
  await run("chroot", [rootfs, "/usr/sbin/depmod", version]);
  const dependencies = await readFile(join(base, "modules.dep"), "utf8");
  const wanted = readList(join(recipeFolder, "modules.txt"));
  const upTo = (kinds: string): string[] =>
    loadOrder(
      dependencies,
      wanted.filter((line) => kinds.includes(line.charAt(0))).map((line) => line.slice(2)),
    );
  const [early, boot, all] = [upTo("i"), upTo("ib"), upTo("ibs")];
  await mkdir(join(rootfs, "usr/lib/berth"), { recursive: true });
  for (const [name, order, before] of [
    ["modules-boot", boot, early],
    ["modules-services", all, boot],
  ] as const) {
    const paths = order.filter((path) => !before.includes(path)).map((path) => `/usr/lib/modules/${version}/${path}\n`);
    await writeFile(join(rootfs, "usr/lib/berth", name), paths.join(""));
  }
  return early.map((path) => join(base, path));
}

/** Paths of modules with what they need first, from the text of modules.dep; a module that is built in is left out. */
export function loadOrder(dependencies: string, names: readonly string[]): string[] {
  const needs = new Map<string, string[]>();
  const byName = new Map<string, string>();
  for (const line of dependencies.trim().split("\n")) {
    const [path = "", rest = ""] = line.split(":");
    needs.set(
      path,
      rest.split(" ").filter((need) => need !== ""),
    );
    byName.set(path.replace(/^.*\//, "").replace(/\.ko$/, "").replaceAll("-", "_"), path);
  }
  const order: string[] = [];
  for (const name of names) {
    const path = byName.get(name.replaceAll("-", "_"));
    if (path === undefined) continue;
    for (const each of [...(needs.get(path) ?? []).toReversed(), path]) if (!order.includes(each)) order.push(each);
  }
  return order;
}
