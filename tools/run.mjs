// `node tools/run.mjs [--test] FILE [args…]`: sets the machine up, makes the image when the file needs it,
// and runs a TypeScript file of ours on Node 24.
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { electronPath, nodePath, root, setup } from "./setup.mjs";

const args = process.argv.slice(2);
const group = args[0] === "--test" ? (args.shift(), "test") : "run";
setup(group);
const bundles = { "src/cli/main.ts": "berth", "src/cli/start.ts": "start" };
const bundle = bundles[args[0]];
if (
  bundle !== undefined &&
  spawnSync(nodePath(), ["--disable-warning=ExperimentalWarning", join(root, "tools/bundle.ts")], { stdio: ["ignore", 2, 2] }).status !== 0
)
  process.exit(1);
// `npm start` without a repository opens the app, where Electron is; src/cli/start.ts opens the browser instead.
const electron = args[0] === "src/cli/start.ts" && args.slice(1).every((arg) => arg.startsWith("berth:")) ? electronPath() : undefined;
if (electron !== undefined) {
  if (
    spawnSync(nodePath(), ["--disable-warning=ExperimentalWarning", join(root, "tools/build-desktop.ts")], { stdio: ["ignore", 2, 2] })
      .status !== 0
  )
    process.exit(1);
  spawn(electron, [join(root, ".cache/desktop"), ...args.slice(1)], { stdio: "ignore", detached: true }).unref();
  process.stderr.write("Berth opens in its window.\n");
  process.exit(0);
}
const program = bundle === undefined ? join(root, args[0]) : join(root, ".cache/app", `${bundle}.mjs`);
const child = spawn(nodePath(), [program, ...args.slice(1)], {
  stdio: "inherit",
  env: {
    ...process.env,
    PATH: `${join(root, "node_modules", ".bin")}:${process.env.PATH}`,
    BERTH_INVOKED_FROM: process.env.INIT_CWD ?? process.cwd(),
  },
});
// A terminal's Ctrl-C reaches the child by itself; what is sent to this process alone is passed on.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.stdin.isTTY || child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
