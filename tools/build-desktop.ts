import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";

/**
 * Makes .cache/desktop: the folder that Electron runs and the archive of the package holds. Everything is bundled, so
 * there is no node_modules in it and nothing of development.
 */
const root = join(import.meta.dirname, "..");
const final = join(root, ".cache/desktop");
const out = `${final}.${process.pid}`;
const programs = [
  { input: "src/main/main.ts", name: "main.mjs", format: "esm" },
  { input: "src/host/main.ts", name: "host.mjs", format: "esm" },
  // A sandboxed preload is a script, not a module.
  { input: "src/preload/preload.ts", name: "preload.cjs", format: "cjs" },
] as const;

mkdirSync(out, { recursive: true });
for (const { input, name, format } of programs) {
  const bundle = await rolldown({ input: join(root, input), platform: "node", external: ["electron"], logLevel: "warn", cwd: root });
  await bundle.write({ dir: out, format, codeSplitting: false, entryFileNames: name, minify: { compress: true, mangle: false } });
  await bundle.close();
}
await buildPage();
cpSync(join(root, "resources/icons/png"), join(out, "icons"), { recursive: true });
const updateKey = join(root, "resources/update-key.pem");
if (existsSync(updateKey)) cpSync(updateKey, join(out, "update-key.pem"));
const { name, version, description, license }: Record<string, unknown> = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const author = { name: "The Berth authors", email: "berth@example.org" };
writeFileSync(
  join(out, "package.json"),
  `${JSON.stringify({ name, version, description, license, author, type: "module", main: "main.mjs" }, null, 2)}\n`,
);
// In one step: an app that starts meanwhile finds the old one or the new one whole.
rmSync(final, { recursive: true, force: true });
renameSync(out, final);

async function buildPage(): Promise<void> {
  const { buildRenderer } = await import("./renderer.ts");
  await buildRenderer(root, join(out, "renderer"));
}
