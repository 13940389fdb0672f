import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { packageName } from "../src/host/runner/find-update.ts";

/**
 * `npm run package-runner`: what headless runners update to, in dist/package, for `tools/release.ts` to sign. BERTH_IMAGES
 * names a folder of machine images to put in; .cache/images is taken where it is there.
 */
const root = join(import.meta.dirname, "..");
const staging = join(root, ".cache/package-runner");
const images = process.env["BERTH_IMAGES"] ?? join(root, ".cache/images");

function run(program: string, args: readonly string[]): void {
  const { status } = spawnSync(program, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(staging, { recursive: true, force: true });
run(process.execPath, [join(root, "tools/bundle.ts")]);
mkdirSync(staging, { recursive: true });
cpSync(join(root, "node_modules/node/bin/node"), join(staging, "node"), { dereference: true });
cpSync(join(root, ".cache/app"), join(staging, "app"), { recursive: true });
if (existsSync(images)) cpSync(images, join(staging, "images"), { recursive: true });
else process.stderr.write(`package-runner: without a machine image, since there is no ${images}\n`);

const { version } = z.object({ version: z.string() }).parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
mkdirSync(join(root, "dist/package"), { recursive: true });
const target = join(root, "dist/package", packageName(version));
run("tar", ["--create", "--gzip", "--owner=0", "--group=0", `--file=${target}`, `--directory=${staging}`, ...readdirSync(staging)]);
process.stdout.write(`${target}\n`);
