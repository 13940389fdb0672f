import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { BerthError } from "../../contract/berth-error.ts";
import { writeFileAtomically } from "../../lib/atomic-file.ts";
import { parseJson } from "../../lib/parse-json.ts";
import type { MachineImage } from "../driver.ts";
import { type ImageManifest, imageFileNames, imageManifestSchema } from "./manifest.ts";

/** Beside an image's files: which of them were found to be right, with size and time. */
export const verifiedFileName = "verified.json";
const verifiedSchema = z.record(z.string(), z.string());

/** Fails with `image-missing` or `image-corrupt`. */
export async function readManifest(folder: string): Promise<ImageManifest> {
  const text = await readFile(join(folder, "manifest.json"), "utf8").catch(() => {
    throw new BerthError("image-missing", `there is no manifest in ${folder}`);
  });
  const manifest = imageManifestSchema.safeParse(parseJson(text));
  if (!manifest.success) throw new BerthError("image-corrupt", `the manifest in ${folder} cannot be read`);
  return manifest.data;
}

export function machineImageOf(folder: string, manifest: ImageManifest): MachineImage {
  return {
    sha256: manifest.inputs,
    arch: manifest.arch,
    kernelPath: join(folder, "kernel"),
    initrdPath: join(folder, "initrd"),
    rootPath: join(folder, "root.erofs"),
  };
}

/** Checks an image's files; what has not changed since its last check is not read again. Fails with `image-missing` or `image-corrupt`. */
export async function verifyImage(folder: string, manifest: ImageManifest): Promise<void> {
  const cachePath = join(folder, verifiedFileName);
  const cached = verifiedSchema.safeParse(parseJson(await readFile(cachePath, "utf8").catch(() => "{}")));
  const known = cached.success ? cached.data : {};
  const fresh: Record<string, string> = {};
  for (const name of imageFileNames) {
    const path = join(folder, name);
    const info = await stat(path).catch(() => {
      throw new BerthError("image-missing", `${path} is not there`);
    });
    const key = `${manifest.files[name]} ${info.size} ${info.mtimeMs}`;
    if (known[name] !== key && (await sha256OfFile(path)) !== manifest.files[name]) {
      throw new BerthError("image-corrupt", `${path} differs from its manifest`);
    }
    fresh[name] = key;
  }
  // Where the app is installed for everybody, nobody may write: its files are checked each time.
  if (JSON.stringify(fresh) !== JSON.stringify(known)) await writeFileAtomically(cachePath, JSON.stringify(fresh)).catch(() => undefined);
}

/** Hex sha256 of a file, read as a stream. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
