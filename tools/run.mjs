// `node tools/run.mjs [--test] FILE [args…]`: sets the machine up, bundles what people run, makes the machine image
// that they start, and runs a TypeScript file of ours on Node 24.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { electronForWindow } from "./electron.mjs";
import { completePath, nodePath, root, setup } from "./setup.mjs";

const isTest = process.argv[2] === "--test";
const [file = "", ...args] = process.argv.slice(isTest ? 3 : 2);
setup(isTest ? "test" : "run");
/** @type {Record<string, string>} */
const bundles = { "src/cli/main.ts": "berth", "src/cli/start.ts": "start" };
const bundle = bundles[file];
if (bundle !== undefined) runTool("tools/bundle.ts");
if (bundle !== undefined && needsImage()) runTool("tools/image/main.ts");
openApp();
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

/** @param {string} tool Ends with its exit code when it fails; what it prints goes to stderr. */
function runTool(tool) {
  const { status } = spawnSync(nodePath(), ["--disable-warning=ExperimentalWarning", join(root, tool)], { stdio: ["ignore", 2, 2] });
  if (status !== 0) process.exit(status ?? 130);
}

/** `npm start` without a repository opens the app, where Electron is; src/cli/start.ts opens the browser instead. */
function openApp() {
  const electron = bundle === "start" && args.every((arg) => arg.startsWith("berth:")) ? electronForWindow() : undefined;
  if (electron === undefined) return;
  runTool("tools/build-desktop.ts");
  spawn(electron, [join(root, ".cache/desktop"), ...args], { stdio: "ignore", detached: true }).unref();
  process.stderr.write("Berth opens in its window.\n");
  process.exit(0);
}

/** `npm start` keeps the image up to date; the other commands need only that there is one. */
function needsImage() {
  if (process.env.BERTH_DRIVER === "simulated" || process.env.BERTH_IMAGES !== undefined || process.platform !== "linux") return false;
  const arch = process.arch === "arm64" ? "arm64" : "amd64";
  return bundle === "start" || (args[0] === "create" && !existsSync(join(root, ".cache/images", `current-${arch}.json`)));
}
