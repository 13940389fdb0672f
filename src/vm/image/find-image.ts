import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BerthError } from "../../contract/berth-error.ts";
import { parseJson } from "../../lib/parse-json.ts";
import { z } from "zod";
import type { MachineImage } from "../driver.ts";
import { machineImageOf, readManifest, verifyImage } from "./image-folder.ts";
import type { ImageManifest } from "./manifest.ts";

const pointerSchema = z.object({ folder: z.string() });

/** The machine image architecture of this computer. */
export function hostImageArch(): "amd64" | "arm64" {
  return process.arch === "arm64" ? "arm64" : "amd64";
}

/**
 * Finds the machine image that `current-<arch>.json` in `imagesFolder` names and checks its files against
 * the manifest. A file whose size and time have not changed since its last check is not read again.
 * Fails with `image-missing` or `image-corrupt`.
 */
export async function findImage(imagesFolder: string, arch: "amd64" | "arm64"): Promise<MachineImage> {
  const { folder, manifest } = await findManifest(imagesFolder, arch);
  await verifyImage(folder, manifest);
  return machineImageOf(folder, manifest);
}

/** The same without a look at the image's files. */
export async function findManifest(
  imagesFolder: string,
  arch: "amd64" | "arm64",
): Promise<{ readonly folder: string; readonly manifest: ImageManifest }> {
  const folder = await readPointer(imagesFolder, arch);
  return { folder, manifest: await readManifest(folder) };
}

async function readPointer(imagesFolder: string, arch: string): Promise<string> {
  const path = join(imagesFolder, `current-${arch}.json`);
  const text = await readFile(path, "utf8").catch(() => {
    throw new BerthError("image-missing", `there is no ${path}`);
  });
  const pointer = pointerSchema.safeParse(parseJson(text));
  if (!pointer.success || pointer.data.folder.includes("/")) throw new BerthError("image-corrupt", `${path} cannot be read`);
  return join(imagesFolder, pointer.data.folder);
}
