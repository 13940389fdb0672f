import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { checkLayers } from "./layers.ts";

/** `npm run check`: types, lint, format, dead code and layers. All of them run, so that one look shows everything. */
const root = join(import.meta.dirname, "..");
const commands = [
  ["tsc", "-b"],
  ["oxlint", "--type-aware", "--deny-warnings", "src", "tools", "tests", "bench"],
  ["oxfmt", "--check", "."],
  ["knip", "--no-progress"],
];

let failed = false;
for (const [program = "", ...args] of commands) {
  if (spawnSync(join(root, "node_modules/.bin", program), args, { cwd: root, stdio: "inherit" }).status !== 0) failed = true;
}
for (const sentence of checkLayers(join(root, "src"))) {
  process.stderr.write(`${sentence}\n`);
  failed = true;
}
process.exit(failed ? 1 : 0);
