// `node tools/run.mjs [--test] FILE [args…]`: sets the machine up, bundles what people run, and runs a
// TypeScript file of ours on Node 24.
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { completePath, nodePath, root, setup } from "./setup.mjs";

const isTest = process.argv[2] === "--test";
const [file = "", ...args] = process.argv.slice(isTest ? 3 : 2);
setup(isTest ? "test" : "run");
/** @type {Record<string, string>} */
const bundles = { "src/cli/main.ts": "berth", "src/cli/start.ts": "start" };
const bundle = bundles[file];
if (
  bundle !== undefined &&
  spawnSync(nodePath(), ["--disable-warning=ExperimentalWarning", join(root, "tools/bundle.ts")], { stdio: ["ignore", 2, 2] }).status !== 0
)
  process.exit(1);
const program = bundle === undefined ? join(root, file) : join(root, ".cache/app", `${bundle}.mjs`);
const child = spawn(nodePath(), [program, ...args], {
  stdio: "inherit",
  env: {
    ...process.env,
    PATH: `${join(root, "node_modules", ".bin")}:${completePath()}`,
    BERTH_INVOKED_FROM: process.env.INIT_CWD ?? process.cwd(),
  },
});
// A terminal's Ctrl-C reaches the child by itself; what is sent to this process alone is passed on.
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.on(signal, () => process.stdin.isTTY || child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
