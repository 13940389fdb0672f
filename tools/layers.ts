import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** Which folder of src may import which; docs/ARCHITECTURE.md says why. A single file stands for itself. */
export const allowedImports: Readonly<Record<string, readonly string[]>> = {
  contract: [],
  lib: [],
  vm: ["contract", "lib"],
  guest: ["contract", "lib"],
  engine: ["contract", "lib", "vm/driver.ts"],
  plane: ["contract", "lib"],
  bridge: ["contract", "lib"],
  host: ["contract", "lib", "vm", "engine", "plane", "bridge"],
  server: ["contract", "lib", "plane"],
  cli: ["contract", "lib"],
  main: ["contract", "lib"],
  preload: ["contract", "lib"],
  renderer: ["contract", "lib"],
};

/** Folders that run in a browser as well. */
const browserLayers = ["contract", "renderer"];

/** The imports of one file that its layer forbids, as sentences. `path` is relative to src. */
export function forbiddenImports(path: string, text: string): string[] {
  const layer = path.split("/")[0] ?? "";
  const rules = allowedImports[layer];
  if (rules === undefined) return [`${path}: '${layer}' is no known layer`];
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map((match) => match[1] ?? "");
  const runtime = browserLayers.includes(layer) && !path.endsWith(".test.ts") ? [...text.matchAll(/"(node:[^"]+)"/g)] : [];
  const beyondRuntime = runtime.map((match) => `${path} may not import ${match[1]}: it runs in browsers too`);
  const beyondLayer = specifiers.flatMap((specifier) => {
    const target = join(dirname(path), specifier);
    const fine = target.split("/")[0] === layer || rules.some((rule) => target === rule || target.startsWith(`${rule}/`));
    return fine ? [] : [`${path} may not import ${target}`];
  });
  return [...beyondRuntime, ...beyondLayer];
}

/** All forbidden imports below a src folder. */
export function checkLayers(source: string): string[] {
  if (!existsSync(source)) return [`${source} is not there`];
  return readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.tsx?$/.test(path) && !path.includes("contract/gen/"))
    .flatMap((path) => forbiddenImports(relative(source, join(source, path)), readFileSync(join(source, path), "utf8")));
}
