import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { checkPackage } from "./check-package.ts";

/**
 * `npm run package -- [--linux|--mac] [TARGETS…]`: builds the app and packs it with electron-builder, whose arguments
 * these are. BERTH_ELECTRON_DIST names an unpacked Electron, BERTH_VM_DIST a folder whose bin/ holds QEMU or vfkit
 * (what `npm run vm-dist` made, when that was run); without one the package uses the system's QEMU.
 */
const root = join(import.meta.dirname, "..");
const staging = join(root, ".cache/package");
const args = process.argv.slice(2);
const arch = args.includes("--arm64") || (process.arch === "arm64" && !args.includes("--x64")) ? "arm64" : "x64";
const pointerSchema = z.object({ folder: z.string().regex(/^[0-9a-f]+$/) });

function run(program: string, programArgs: readonly string[]): void {
  const { status } = spawnSync(program, programArgs, { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

/** What ssh's proxy and the command line run on, with the bundles they are. */
function stagePrograms(): void {
  const folder = join(staging, "programs");
  mkdirSync(folder, { recursive: true });
  for (const name of ["host", "runner", "berth", "proxy"])
    copyFileSync(join(root, ".cache/app", `${name}.mjs`), join(folder, `${name}.mjs`));
  for (const name of ["berth-runner.service", "update-key.pem"])
    if (existsSync(join(root, ".cache/app", name))) copyFileSync(join(root, ".cache/app", name), join(folder, name));
  // The browser UI of a host that the command line started.
  cpSync(join(root, ".cache/app/renderer"), join(folder, "renderer"), { recursive: true });
  const node = process.env["BERTH_NODE_DIST"] ?? join(root, "node_modules/node/bin/node");
  if (!args.includes("--mac") && !existsSync(node)) throw new Error(`${node} is not there`);
  copyFileSync(node, join(folder, "node"));
}

/** The machine image of the package's architecture, when one was built. */
function stageImage(): void {
  const images = process.env["BERTH_IMAGES"] ?? join(root, ".cache/images");
  const pointer = join(images, `current-${arch === "x64" ? "amd64" : "arm64"}.json`);
  mkdirSync(join(staging, "images"), { recursive: true });
  if (!existsSync(pointer)) return void process.stderr.write(`package: without a machine image, since there is no ${pointer}\n`);
  const { folder } = pointerSchema.parse(JSON.parse(readFileSync(pointer, "utf8")));
  cpSync(join(images, folder), join(staging, "images", folder), { recursive: true });
  copyFileSync(pointer, join(staging, "images", `current-${arch === "x64" ? "amd64" : "arm64"}.json`));
}

/** QEMU or vfkit for computers that have none. */
function stageVm(): void {
  mkdirSync(join(staging, "vm"), { recursive: true });
  const made = args.includes("--mac") ? undefined : join(root, ".cache/vm-dist", arch === "x64" ? "amd64" : "arm64");
  const folder = process.env["BERTH_VM_DIST"] ?? made;
  if (folder !== undefined && existsSync(folder)) cpSync(folder, join(staging, "vm"), { recursive: true });
  else process.stderr.write("package: without a hypervisor; it will use the one that is installed (npm run vm-dist makes one)\n");
}

rmSync(staging, { recursive: true, force: true });
run(process.execPath, [join(root, "tools/bundle.ts")]);
run(process.execPath, [join(root, "tools/build-desktop.ts")]);
stagePrograms();
stageImage();
stageVm();

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(join(root, "node_modules/electron/package.json"), "utf8")));
const electronDist = process.env["BERTH_ELECTRON_DIST"];
run(join(root, "node_modules/.bin/electron-builder"), [
  "--config",
  "electron-builder.yml",
  "--publish",
  "never",
  `--${arch}`,
  `-c.electronVersion=${version}`,
  ...(electronDist === undefined ? [] : [`-c.electronDist=${electronDist}`]),
  ...args.filter((arg) => arg !== "--x64" && arg !== "--arm64"),
]);

const unpacked = join(root, "dist/package", arch === "arm64" ? "linux-arm64-unpacked" : "linux-unpacked");
if (!args.includes("--mac") && existsSync(unpacked)) {
  const { faults, report } = await checkPackage(unpacked);
  process.stdout.write(report);
  for (const fault of faults) process.stderr.write(`package: ${fault}\n`);
  process.exit(faults.length === 0 ? 0 : 1);
}
