import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostImageArch } from "../../src/vm/image/find-image.ts";
import type { ImageManifest } from "../../src/vm/image/manifest.ts";
import type { SimulatedImage } from "../../src/vm/simulated/simulated-image.ts";

/** Makes an image the one that comes with Berth (BERTH_SIMULATED_IMAGES is the folder); gives its identity. */
export function offerImage(imagesFolder: string, name: string, kernel: Partial<SimulatedImage> = {}): string {
  const identity = sha256(name);
  const folder = join(imagesFolder, identity.slice(0, 32));
  mkdirSync(folder, { recursive: true });
  const contents = { kernel: JSON.stringify(kernel), initrd: "initrd", "root.erofs": name };
  for (const [file, content] of Object.entries(contents)) writeFileSync(join(folder, file), content);
  const files = { kernel: sha256(contents.kernel), initrd: sha256(contents.initrd), "root.erofs": sha256(name) };
  const dataSchema = kernel.dataSchema ?? 1;
  const manifest: ImageManifest = { formatVersion: 1, arch: hostImageArch(), inputs: identity, dataSchema, files, sources: {} };
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
  writeFileSync(join(imagesFolder, `current-${hostImageArch()}.json`), JSON.stringify({ folder: identity.slice(0, 32) }));
  return identity;
}

/** The identity of the image of this name. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
