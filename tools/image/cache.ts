import { existsSync, statSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomically } from "../../src/lib/atomic-file.ts";
import { imageManifestSchema } from "../../src/vm/image/manifest.ts";
import { devcontainerKey, type ImageSources, imageSourcesSchema } from "./inputs.ts";
import { readJson } from "./json-file.ts";

/** `current-ARCH.json`: the image that machines start with, and the one before it. */
const pointerSchema = z.object({ folder: z.string(), previous: z.string().optional() });
/** Of another architecture, or of a build that was cancelled: what was made so lately is still of use. */
const sparedMs = 24 * 60 * 60_000;
const archs = ["amd64", "arm64"] as const;
const imageFolderPattern = /^[0-9a-f]{32}$/;

export function imageFolder(imagesFolder: string, inputs: string): string {
  return join(imagesFolder, inputs.slice(0, 32));
}

export function isComplete(imagesFolder: string, inputs: string): boolean {
  return existsSync(join(imageFolder(imagesFolder, inputs), "manifest.json"));
}

/** Whether `current-ARCH.json` names this image already. */
export async function isCurrent(imagesFolder: string, arch: string, inputs: string): Promise<boolean> {
  return (await readPointer(imagesFolder, arch))?.folder === inputs.slice(0, 32);
}

/** Makes an image the one that machines start with, and takes away what neither it nor the one before it needs. */
export async function makeCurrent(imagesFolder: string, arch: "amd64" | "arm64", inputs: string): Promise<void> {
  const folder = inputs.slice(0, 32);
  const before = await readPointer(imagesFolder, arch);
  const previous = before === undefined || before.folder === folder ? before?.previous : before.folder;
  const pointer = { folder, ...(previous === undefined ? {} : { previous }) };
  await writeFileAtomically(join(imagesFolder, `current-${arch}.json`), JSON.stringify(pointer), 0o644);
  await collect(imagesFolder);
}

/** Removes images that are neither current nor previous, and older archives and packages that none of those was made from. */
async function collect(imagesFolder: string): Promise<void> {
  const images = new Set<string>();
  for (const arch of archs) {
    const pointer = await readPointer(imagesFolder, arch);
    for (const name of [pointer?.folder, pointer?.previous]) if (name !== undefined) images.add(name);
  }
  const archives = new Set<string>();
  const debs = new Set<string>();
  for (const name of images) {
    const sources = await readSources(join(imagesFolder, name));
    if (sources === undefined) continue;
    archives.add(`${devcontainerKey(sources)}.tar`);
    const { machine, devcontainer, kernel } = sources.packages;
    for (const { sha256 } of [...machine, ...devcontainer, kernel]) debs.add(`${sha256}.deb`);
  }
  await removeOthers(imagesFolder, images, (name) => imageFolderPattern.test(name));
  await removeOthers(join(imagesFolder, "devcontainer"), archives, isOld);
  await removeOthers(join(imagesFolder, "debs"), debs, isOld);
}

async function removeOthers(folder: string, kept: ReadonlySet<string>, mayGo: (name: string, path: string) => boolean): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    if (!kept.has(name) && mayGo(name, path)) await rm(path, { recursive: true, force: true });
  }
}

function isOld(_name: string, path: string): boolean {
  return Date.now() - statSync(path).mtimeMs > sparedMs;
}

async function readPointer(imagesFolder: string, arch: string): Promise<z.infer<typeof pointerSchema> | undefined> {
  return pointerSchema.safeParse(await readJson(join(imagesFolder, `current-${arch}.json`))).data;
}

async function readSources(folder: string): Promise<ImageSources | undefined> {
  const manifest = imageManifestSchema.safeParse(await readJson(join(folder, "manifest.json")));
  return imageSourcesSchema.safeParse(manifest.data?.sources).data;
}
