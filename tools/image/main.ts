import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeFileAtomically } from "../../src/lib/atomic-file.ts";
import { sha256OfFile } from "../../src/vm/image/find-image.ts";
import type { ImageManifest } from "../../src/vm/image/manifest.ts";
import { bundleAgent } from "./agent-bundle.ts";
import { buildDefaultDevcontainer } from "./default-devcontainer.ts";
import { buildInitramfs } from "./initramfs.ts";
import { hashInputs } from "./inputs.ts";
import { buildRootfs } from "./rootfs.ts";
import { run, sourceDateEpoch } from "./shell.ts";

/** `npm run image -- [--arch amd64|arm64] [--out DIR] [--force]`. */
const root = join(import.meta.dirname, "../..");
const recipeFolder = join(root, "resources/guest");
const devcontainersCliVersion = "0.89.0";
const npmVersion = "11.6.2";
const dataSchema = 1;
const rootUuid = "62657274-6800-4000-8000-000000000001";

interface Build {
  readonly arch: "amd64" | "arm64";
  readonly inputs: string;
  readonly folder: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly agentBundle: string;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { arch: { type: "string" }, out: { type: "string" }, force: { type: "boolean", default: false } },
  });
  const arch = values.arch ?? (process.arch === "arm64" ? "arm64" : "amd64");
  if (arch !== "amd64" && arch !== "arm64") throw new Error(`--arch is amd64 or arm64, not ${arch}`);
  const imagesFolder = values.out ?? process.env["BERTH_IMAGES"] ?? join(root, ".cache/images");
  const lock: unknown = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const nodeVersion = nodeVersionOf(lock);
  const versions = { node: nodeVersion, npm: npmVersion, devcontainersCli: devcontainersCliVersion };
  const agentBundle = await bundleAgent(root);
  const inputs = hashInputs({ recipeFolder, agentBundle: Buffer.from(agentBundle), arch, versions });
  const folder = join(imagesFolder, inputs.slice(0, 32));
  if (!values.force && existsSync(join(folder, "manifest.json"))) {
    say(`${arch} image ${inputs.slice(0, 12)} is up to date`);
  } else {
    if (becomeRoot()) return;
    await build({ arch, inputs, folder, versions, agentBundle });
  }
  await writeFileAtomically(join(imagesFolder, `current-${arch}.json`), JSON.stringify({ folder: inputs.slice(0, 32) }), 0o644);
}

/** Without root the build runs in a user namespace, where this process is root. */
function becomeRoot(): boolean {
  if (process.getuid?.() === 0) return false;
  const result = spawnSync("mmdebstrap", ["--unshare-helper", process.execPath, ...process.argv.slice(1)], { stdio: "inherit" });
  if (result.status !== 0)
    throw new Error("the image could not be built without root: a subuid range and newuidmap are needed (package uidmap)");
  return true;
}

function nodeVersionOf(manifest: unknown): string {
  if (typeof manifest === "object" && manifest !== null && "devDependencies" in manifest) {
    const dependencies: unknown = manifest.devDependencies;
    if (typeof dependencies === "object" && dependencies !== null && "node" in dependencies && typeof dependencies.node === "string")
      return dependencies.node;
  }
  throw new Error("package.json names no version of node");
}

async function build(options: Build): Promise<void> {
  const startedAtMs = performance.now();
  const work = `${options.folder}.work`;
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  const npm = await fetchNpmPackages(options, work);
  const out = join(work, "out");
  await mkdir(out);
  await writeFile(join(work, "agent.mjs"), options.agentBundle);
  const rootfs = join(work, "root");
  const archive = join(work, "devcontainer-image.tar");
  const devcontainerCached = join(options.folder, "../devcontainer", `${await devcontainerKey(options)}.tar`);
  const packages = await buildRootfs({
    arch: options.arch,
    recipeFolder,
    folder: rootfs,
    nodeFolder: npm.node,
    npmPackages: npm.folder,
    agentBundle: join(work, "agent.mjs"),
    say,
  });
  if (existsSync(devcontainerCached)) await copyFile(devcontainerCached, archive);
  else {
    say("making the default dev container image");
    await buildDefaultDevcontainer({
      arch: options.arch,
      recipeFolder,
      nodeFolder: npm.node,
      npmFolder: join(npm.folder, "node_modules/npm"),
      out: archive,
    });
    await mkdir(join(options.folder, "../devcontainer"), { recursive: true });
    await copyFile(archive, `${devcontainerCached}.tmp`);
    await rename(`${devcontainerCached}.tmp`, devcontainerCached);
  }
  await mkdir(join(rootfs, "usr/share/berth"), { recursive: true });
  await rename(archive, join(rootfs, "usr/share/berth/devcontainer-image.tar"));
  await writeFile(join(rootfs, "usr/share/berth/image-sha256"), options.inputs);
  say("packing the root file system");
  await buildInitramfs({ recipeFolder, rootfs, out: join(out, "initrd") });
  const kernel = (await readdir(`${rootfs}.boot`)).find((name) => name.startsWith("vmlinuz-"));
  await copyFile(join(`${rootfs}.boot`, kernel ?? ""), join(out, "kernel"));
  await chmod(join(out, "kernel"), 0o644);
  await run("mkfs.erofs", ["-T", String(sourceDateEpoch), "-U", rootUuid, "--quiet", join(out, "root.erofs"), rootfs]).catch(async () =>
    run("mkfs.erofs", ["-T", String(sourceDateEpoch), "-U", rootUuid, join(out, "root.erofs"), rootfs]),
  );
  await finish(options, out, packages);
  await rm(work, { recursive: true, force: true });
  say(`made ${options.folder} in ${((performance.now() - startedAtMs) / 1000).toFixed(0)} s`);
}

async function devcontainerKey(options: Build): Promise<string> {
  const { createHash } = await import("node:crypto");
  const source = await readFile(join(recipeFolder, "devcontainer-packages.txt"));
  const builder = await readFile(join(import.meta.dirname, "default-devcontainer.ts"));
  return createHash("sha256")
    .update(source)
    .update(builder)
    .update(JSON.stringify([options.arch, options.versions]))
    .digest("hex")
    .slice(0, 32);
}

async function finish(options: Build, out: string, packages: Record<string, string>): Promise<void> {
  const files = {
    kernel: await sha256OfFile(join(out, "kernel")),
    initrd: await sha256OfFile(join(out, "initrd")),
    "root.erofs": await sha256OfFile(join(out, "root.erofs")),
  };
  const manifest: ImageManifest = { formatVersion: 1, arch: options.arch, inputs: options.inputs, dataSchema, files, packages };
  await writeFile(join(out, "manifest.json"), JSON.stringify(manifest, undefined, 2));
  await rm(options.folder, { recursive: true, force: true });
  await rename(out, options.folder);
}

/** Node for the machine's architecture, npm and the devcontainer CLI, by npm without running their scripts. */
async function fetchNpmPackages(options: Build, work: string): Promise<{ readonly folder: string; readonly node: string }> {
  say("fetching Node, npm and the devcontainer CLI");
  const folder = join(work, "npm");
  await mkdir(folder);
  await writeFile(join(folder, "package.json"), "{}");
  const nodePackage = `node-linux-${options.arch === "amd64" ? "x64" : "arm64"}`;
  await run(
    "npm",
    [
      "install",
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
      "--no-save",
      "--force",
      `${nodePackage}@${options.versions["node"]}`,
      `@devcontainers/cli@${devcontainersCliVersion}`,
      `npm@${npmVersion}`,
    ],
    { cwd: folder },
  );
  const cli = join(folder, "node_modules/@devcontainers/cli");
  for (const name of await readdir(join(cli, "dist"), { recursive: true })) if (name.endsWith(".map")) await rm(join(cli, "dist", name));
  return { folder, node: join(folder, "node_modules", nodePackage) };
}

function say(text: string): void {
  process.stderr.write(`image: ${text}\n`);
}

await main();
