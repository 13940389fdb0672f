import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * All devcontainer.json files of a working copy in the order of the specification
 * (containers.dev/implementors/spec: "The devcontainer.json file can be located in").
 */
export async function findConfigs(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const path of [".devcontainer/devcontainer.json", ".devcontainer.json"]) if (await isFile(join(folder, path))) found.push(path);
  const below = await readdir(join(folder, ".devcontainer"), { withFileTypes: true }).catch(() => []);
  for (const entry of below.filter((e) => e.isDirectory()).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = `.devcontainer/${entry.name}/devcontainer.json`;
    if (await isFile(join(folder, path))) found.push(path);
  }
  return found;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

export type ConfigChoice =
  | { readonly kind: "config"; readonly path: string }
  | { readonly kind: "none" }
  | { readonly kind: "several"; readonly paths: readonly string[] }
  | { readonly kind: "missing"; readonly path: string };

/** Which configuration to use: the chosen one, the only one, or the one at a standard place. */
export function chooseConfig(found: readonly string[], wanted: string): ConfigChoice {
  if (wanted !== "") return found.includes(wanted) ? { kind: "config", path: wanted } : { kind: "missing", path: wanted };
  const standard = found.find((path) => path === ".devcontainer/devcontainer.json" || path === ".devcontainer.json");
  if (standard !== undefined) return { kind: "config", path: standard };
  const [only] = found;
  if (only === undefined) return { kind: "none" };
  return found.length === 1 ? { kind: "config", path: only } : { kind: "several", paths: found };
}
