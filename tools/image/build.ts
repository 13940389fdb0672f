import { constants, existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { sha256OfFile } from "../../src/vm/image/image-folder.ts";
import type { ImageManifest } from "../../src/vm/image/manifest.ts";
import { imageFolder, isComplete, makeCurrent } from "./cache.ts";
import { countInstalled, debPath, type DebianPackage, downloadPackages, makeRepository, suite } from "./debian-packages.ts";
import { devcontainerHooks, finishDefaultDevcontainer } from "./default-devcontainer.ts";
import { packErofs, percentageOf, treeBytes } from "./erofs.ts";
import { makeRunnable } from "./foreign.ts";
import { buildInitramfs } from "./initramfs.ts";
import { decidingFolders, devcontainerKey, hashFiles } from "./inputs.ts";
import { type BuildJob, buildJobSchema, workFolderPrefix } from "./job.ts";
import { prepareModules } from "./kernel-modules.ts";
import { mmdebstrap } from "./mmdebstrap.ts";
import { fetchNpmPackages, type NpmPackages } from "./npm-packages.ts";
import { progress } from "./progress.ts";
import { finishRootfs, machineHooks } from "./rootfs.ts";
import { run } from "./shell.ts";

/**
 * The build itself, started by main.ts as process 1 of its own namespaces and with the folder's lock held:
 * when it ends, for whatever reason, its mounts and processes end with it.
 */
const step = progress();

async function main(): Promise<void> {
  process.umask(0o022);
  const lines = createInterface({ input: process.stdin });
  const job = await new Promise<BuildJob>((resolve, reject) => {
    lines.once("line", (line) => resolve(buildJobSchema.parse(JSON.parse(line))));
    lines.once("error", reject);
  });
  // The command went away.
  lines.once("close", () => process.exit(1));
  await removeRemains(job.imagesFolder);
  if (job.force || !isComplete(job.imagesFolder, job.inputs)) await build(job);
  await makeCurrent(job.imagesFolder, job.sources.arch, job.inputs);
}

/** Nobody else builds here, so what another build left was left for good. */
async function removeRemains(imagesFolder: string): Promise<void> {
  for (const name of await readdir(imagesFolder))
    if (name.startsWith(workFolderPrefix) || name.endsWith(".work")) await rm(join(imagesFolder, name), { recursive: true, force: true });
}

async function build(job: BuildJob): Promise<void> {
  const { workFolder: work, recipeFolder, sources } = job;
  const { arch, packages } = sources;
  makeRunnable(arch);
  await mkdir(join(work, "out"), { recursive: true });
  const debsFolder = join(job.imagesFolder, "debs");
  await downloadPackages(arch, [...packages.machine, ...packages.devcontainer, packages.kernel], debsFolder, step);
  const npm = await step("fetching Node, npm and the devcontainer CLI", async () =>
    fetchNpmPackages(arch, recipeFolder, join(work, "npm")),
  );
  const archive = await defaultDevcontainer(job, npm, debsFolder);
  const root = join(work, "root");
  await installPackages("the machine", job, debsFolder, packages.machine, machineHooks, root);
  await writeFile(join(work, "agent.mjs"), job.agentBundle);
  const modules = await step("laying out the root file system", async () => {
    await finishRootfs({
      folder: root,
      recipeFolder,
      kernelDeb: debPath(debsFolder, packages.kernel.sha256),
      nodeFolder: npm.node,
      cliFolder: npm.devcontainersCli,
      agentBundle: join(work, "agent.mjs"),
      kernel: join(work, "out/kernel"),
    });
    await mkdir(join(root, "usr/share/berth"), { recursive: true });
    await rename(archive, join(root, "usr/share/berth/devcontainer-image.tar"));
    await writeFile(join(root, "usr/share/berth/image-sha256"), job.inputs);
    return prepareModules(root, recipeFolder);
  });
  await buildInitramfs({ recipeFolder, busybox: join(root, "usr/bin/busybox"), modules, out: join(work, "out/initrd") });
  const rootBytes = await treeBytes(root);
  const rootImage = join(work, "out/root.erofs");
  await step(
    "packing the root file system",
    async () => packErofs(root, rootImage),
    async () => percentageOf(rootImage, rootBytes),
  );
  const now = hashFiles(job.projectFolder, decidingFolders);
  if (Object.entries(now).some(([path, hash]) => sources.files[path] !== hash))
    throw new Error("files of the recipe changed while the image was made from them; start again");
  await publish(job);
}

/** Installs exactly these packages into a new tree. */
async function installPackages(
  what: string,
  { sources: { arch }, workFolder }: BuildJob,
  debsFolder: string,
  packages: readonly DebianPackage[],
  hooks: readonly string[],
  out: string,
): Promise<void> {
  const source = await makeRepository(arch, packages, debsFolder, join(workFolder, `${basename(out)}.packages`));
  const names = packages.map(({ name }) => name);
  await step(
    `installing Debian packages of ${what}`,
    async () => mmdebstrap({ arch, variant: "apt", packages: names, source, suite, out, hooks }),
    async () => `${await countInstalled(out)} of ${names.length} packages`,
  );
}

/** The archive of the default dev container image; it changes seldom and is kept. */
async function defaultDevcontainer(job: BuildJob, npm: NpmPackages, debsFolder: string): Promise<string> {
  const { sources, workFolder: work } = job;
  const kept = join(job.imagesFolder, "devcontainer", `${devcontainerKey(sources)}.tar`);
  const archive = join(work, "devcontainer-image.tar");
  if (job.force || !existsSync(kept)) {
    const tree = join(work, "devcontainer");
    await installPackages("the default dev container", job, debsFolder, sources.packages.devcontainer, devcontainerHooks, tree);
    await step("packing the default dev container image", async () =>
      finishDefaultDevcontainer({ folder: tree, arch: sources.arch, nodeFolder: npm.node, npmFolder: npm.npm, out: archive }),
    );
    await mkdir(join(kept, ".."), { recursive: true });
    await rename(archive, kept);
  }
  await copyFile(kept, archive, constants.COPYFILE_FICLONE);
  return archive;
}

/** Gives the finished files their place, manifest last and all at once. */
async function publish({ inputs, sources, imagesFolder, recipeFolder, workFolder }: BuildJob): Promise<void> {
  const out = join(workFolder, "out");
  const files = {
    kernel: await sha256OfFile(join(out, "kernel")),
    initrd: await sha256OfFile(join(out, "initrd")),
    "root.erofs": await sha256OfFile(join(out, "root.erofs")),
  };
  const dataSchema = Number(await readFile(join(recipeFolder, "root/usr/share/berth/data-schema"), "utf8"));
  const manifest: ImageManifest = { formatVersion: 1, arch: sources.arch, inputs, dataSchema, files, sources };
  await writeFile(join(out, "manifest.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
  await run("sync", ["--", ...Object.keys(files).map((name) => join(out, name)), join(out, "manifest.json")]);
  const folder = imageFolder(imagesFolder, inputs);
  if (existsSync(folder)) await rename(folder, join(workFolder, "replaced"));
  await rename(out, folder);
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`image: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
