import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { BerthError } from "../../contract/berth-error.ts";
import type { MachineImage } from "../driver.ts";
import { type ImageManifest, imageFileNames, imageManifestSchema } from "./manifest.ts";
import { writeFileAtomically } from "../../lib/atomic-file.ts";
import { z } from "zod";

const pointerSchema = z.object({ folder: z.string() });
const verifiedSchema = z.record(z.string(), z.string());

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
  const folder = await readPointer(imagesFolder, arch);
  const manifest = await readManifest(folder);
  await verify(folder, manifest);
  return {
    sha256: manifest.inputs,
    arch,
    kernelPath: join(folder, "kernel"),
    initrdPath: join(folder, "initrd"),
    rootPath: join(folder, "root.erofs"),
  };
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

async function readManifest(folder: string): Promise<ImageManifest> {
  const text = await readFile(join(folder, "manifest.json"), "utf8").catch(() => {
    throw new BerthError("image-missing", `there is no manifest in ${folder}`);
  });
  const manifest = imageManifestSchema.safeParse(parseJson(text));
  if (!manifest.success) throw new BerthError("image-corrupt", `the manifest in ${folder} cannot be read`);
  return manifest.data;
}

async function verify(folder: string, manifest: ImageManifest): Promise<void> {
  const cachePath = join(folder, "verified.json");
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
