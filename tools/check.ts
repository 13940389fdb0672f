import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { checkLayers } from "./layers.ts";

/** `npm run check`: types, lint and layers. */
const root = join(import.meta.dirname, "..");
let failed = false;
for (const command of [["tsc", "-b"], ["oxlint", "--deny-warnings", "src", "tools", "tests", "bench"]]) {
  const [program = "", ...args] = command;
  if (spawnSync(join(root, "node_modules/.bin", program), args, { cwd: root, stdio: "inherit" }).status !== 0) failed = true;
}
for (const sentence of checkLayers(join(root, "src"))) {
  process.stderr.write(`${sentence}\n`);
  failed = true;
}
process.exit(failed ? 1 : 0);
