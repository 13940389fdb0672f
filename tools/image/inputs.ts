import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";

/** Counts up when the builder itself changes what comes out. */
const builderVersion = 1;

/** sha256 over the recipe, the agent's bundle, the architecture and the versions of what npm brings. */
export function hashInputs(options: {
  readonly recipeFolder: string;
  readonly agentBundle: Uint8Array;
  readonly arch: string;
  readonly versions: Readonly<Record<string, string>>;
}): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify({ builderVersion, arch: options.arch, versions: options.versions }));
  for (const path of listFiles(options.recipeFolder)) {
    const mode = statSync(path).mode & 0o777;
    hash.update(`\0${relative(options.recipeFolder, path)}\0${mode & 0o111 ? "x" : "-"}\0`);
    hash.update(readFileSync(path));
  }
  hash.update("\0agent\0");
  hash.update(options.agentBundle);
  return hash.digest("hex");
}

/** All files below a folder in a fixed order. */
function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? listFiles(join(folder, entry.name)) : [join(folder, entry.name)]));
}

/** Lines of a list file without comments and blanks. */
export function readList(path: string): string[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}
