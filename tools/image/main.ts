import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, stat, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findProgram } from "../../src/lib/find-program.ts";
import { hostImageArch } from "../../src/vm/image/find-image.ts";
import { describeImage, imageDescriptionSchema } from "../../src/vm/image/fetch-image.ts";
import { readManifest } from "../../src/vm/image/image-folder.ts";
import { type ImageManifest, imageFileNames, imageManifestSchema } from "../../src/vm/image/manifest.ts";
import { bundleAgent } from "./agent-bundle.ts";
import { imageFolder, isComplete, isCurrent } from "./cache.ts";
import { decidingFolders, hashFiles, hashSources, type ImageSources, sha256 } from "./inputs.ts";
import { type BuildJob, workFolderPrefix } from "./job.ts";
import { lockPackages } from "./lock.ts";
import { checkNamespaces, removeOwned, runAlone } from "./namespaces.ts";
import { say } from "./progress.ts";

const usage = `npm run image -- [--arch amd64|arm64] [--out DIR] [--force] [--update] [--verify]
  --arch     the machine's architecture (this computer's)
  --out      also put kernel, initrd, root.erofs, manifest.json and download.json into DIR, for a server that
             gives them to computers with BERTH_IMAGE_URL=https://SERVER/DIR/download.json
  --force    build although the image is there
  --update   ask for new Debian packages although it was done within a day
  --verify   build twice from scratch, keep neither, and compare
`;
const root = join(import.meta.dirname, "../..");
const recipeFolder = join(root, "resources/guest");
/** Trees, archives and images of one build, with some room. */
const neededBytes = 6 * 1024 ** 3;
/** Programs that the build runs, and the Debian packages that have them. */
const neededPrograms: Readonly<Record<string, string>> = {
  mmdebstrap: "mmdebstrap",
  "mkfs.erofs": "erofs-utils",
  "apt-get": "apt",
  "dpkg-deb": "dpkg",
  unxz: "xz-utils",
  tar: "tar",
  flock: "util-linux",
  unshare: "util-linux",
};
const interruptedExitCode = 130;

async function main(signal: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    options: {
      arch: { type: "string", default: hostImageArch() },
      out: { type: "string" },
      force: { type: "boolean", default: false },
      update: { type: "boolean", default: false },
      verify: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(usage);
  const { arch } = values;
  if (arch !== "amd64" && arch !== "arm64") throw new Error(`--arch is amd64 or arm64, not ${arch}`);
  const imagesFolder = process.env["BERTH_IMAGES"] ?? join(root, ".cache/images");
  await mkdir(imagesFolder, { recursive: true });
  checkPrograms();
  const agentBundle = await bundleAgent(root);
  const sources: ImageSources = {
    arch,
    files: { ...hashFiles(root, decidingFolders), agent: sha256(agentBundle) },
    tools: await toolVersions(),
    packages: await lockPackages({ arch, recipeFolder, imagesFolder, update: values.update }),
  };
  const job = { projectFolder: root, recipeFolder, inputs: hashSources(sources), sources, agentBundle };
  if (values.verify) return verify(job, imagesFolder, signal);
  if (values.force || !isComplete(imagesFolder, job.inputs) || !(await isCurrent(imagesFolder, arch, job.inputs))) {
    const startedAtMs = performance.now();
    await build({ ...job, imagesFolder, force: values.force }, signal);
    say(`${arch} image ${job.inputs.slice(0, 12)} is made: ${((performance.now() - startedAtMs) / 1000).toFixed(0)} s`);
  } else say(`${arch} image ${job.inputs.slice(0, 12)} is up to date`);
  const folder = imageFolder(imagesFolder, job.inputs);
  if (values.out !== undefined) await putInto(values.out, folder);
  process.stdout.write(`${values.out ?? folder}\n`);
}

function checkPrograms(): void {
  if (process.platform !== "linux") throw new Error("a machine image is built on Linux; take one that was built there");
  process.env["PATH"] = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;
  const missing = Object.keys(neededPrograms).filter((name) => findProgram(name, process.env["PATH"], []) === undefined);
  const packages = [...new Set(missing.map((name) => neededPrograms[name]))].join(" ");
  if (missing.length > 0) throw new Error(`${missing.join(", ")} cannot be found; try: sudo apt-get install ${packages}`);
}

/** Versions of the programs whose output ends up in the image byte by byte. */
async function toolVersions(): Promise<Record<string, string>> {
  const firstLine = async (program: string): Promise<string> => {
    const result = spawnSync(program, ["--version"], { encoding: "utf8" });
    return `${result.stdout}${result.stderr}`.trim().split("\n")[0] ?? "";
  };
  const programs = ["mmdebstrap", "mkfs.erofs", "dpkg-deb", "tar"];
  return Object.fromEntries(await Promise.all(programs.map(async (name) => [name, await firstLine(name)] as const)));
}

/** Builds in namespaces of its own; what it worked in is gone afterwards, whether it came to its end or not. */
async function build(job: Omit<BuildJob, "workFolder">, signal: AbortSignal): Promise<void> {
  checkNamespaces();
  const { bavail, bsize } = await statfs(job.imagesFolder);
  if (bavail * bsize < neededBytes)
    throw new Error(
      `${job.imagesFolder} has ${((bavail * bsize) / 1e9).toFixed(1)} GB free, and a build takes ${(neededBytes / 1e9).toFixed(1)} GB`,
    );
  const workFolder = join(job.imagesFolder, `${workFolderPrefix}${randomBytes(6).toString("hex")}`);
  try {
    await runAlone({
      lockPath: join(job.imagesFolder, "build.lock"),
      argv: [process.execPath, join(import.meta.dirname, "build.ts")],
      input: JSON.stringify({ ...job, workFolder }),
      signal,
    });
  } finally {
    removeOwned(workFolder);
  }
}

/** Two builds that share nothing, not even what they fetched. */
async function verify(
  job: Omit<BuildJob, "workFolder" | "imagesFolder" | "force">,
  imagesFolder: string,
  signal: AbortSignal,
): Promise<void> {
  const folder = await mkdtemp(join(imagesFolder, "verify-"));
  try {
    const manifests: ImageManifest[] = [];
    for (const name of ["first", "second/in another place"]) {
      const images = join(folder, name);
      await mkdir(images, { recursive: true });
      await build({ ...job, imagesFolder: images, force: true }, signal);
      manifests.push(imageManifestSchema.parse(JSON.parse(await readFile(join(imageFolder(images, job.inputs), "manifest.json"), "utf8"))));
    }
    const different = imageFileNames.filter((name) => manifests[0]?.files[name] !== manifests[1]?.files[name]);
    for (const name of imageFileNames) process.stdout.write(`${manifests[0]?.files[name] ?? ""}  ${name}\n`);
    if (different.length > 0) throw new Error(`two builds of ${job.inputs.slice(0, 12)} differ in ${different.join(", ")}`);
    say(`two builds of ${job.inputs.slice(0, 12)} are the same`);
  } finally {
    if (process.env["BERTH_KEEP"] === undefined) removeOwned(folder);
  }
}

async function putInto(out: string, folder: string): Promise<void> {
  await mkdir(out, { recursive: true });
  for (const name of ["manifest.json", "download.json"]) await rm(join(out, name), { force: true });
  for (const name of [...imageFileNames, "manifest.json"]) await copyFile(join(folder, name), join(out, name), constants.COPYFILE_FICLONE);
  const manifest = await readManifest(folder);
  const sizes = await Promise.all(imageFileNames.map(async (name) => [name, (await stat(join(out, name))).size] as const));
  const bytes = imageDescriptionSchema.shape.bytes.parse(Object.fromEntries(sizes));
  await writeFile(join(out, "download.json"), `${JSON.stringify(describeImage(manifest, bytes))}\n`);
}

const controller = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(name, () => controller.abort());
main(controller.signal).then(
  () => process.exit(),
  (error: unknown) => {
    const text = error instanceof Error ? error.message : String(error);
    process.stderr.write(controller.signal.aborted ? "\nimage: cancelled, nothing was left behind\n" : `image: ${text}\n`);
    process.exit(controller.signal.aborted ? interruptedExitCode : 1);
  },
);
