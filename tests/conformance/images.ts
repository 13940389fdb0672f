import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MachineImage } from "../../src/vm/driver.ts";
import { findImage } from "../../src/vm/image/find-image.ts";
import { cpioArchive } from "../../tools/image/cpio.ts";

export const imagesFolder = process.env["BERTH_IMAGES"] ?? join(import.meta.dirname, "../../.cache/images");

/** Whether an image for the architecture was built here. */
export function hasImage(arch: "amd64" | "arm64"): boolean {
  return existsSync(join(imagesFolder, `current-${arch}.json`));
}

/** A kernel whose only process sleeps: nobody listens to the power button or opens the agent's port. */
export async function deafImage(folder: string, arch: "amd64" | "arm64"): Promise<MachineImage> {
  const image = await findImage(imagesFolder, arch);
  const initrdPath = join(folder, `deaf-initrd-${arch}`);
  const init = Buffer.from("#!/bin/busybox sh\nwhile :; do /bin/busybox sleep 1000; done\n");
  // Of two archives in a row the kernel keeps what the later one says of a file.
  const overlay = cpioArchive([{ path: "init", mode: 0o100755, data: init }], 0);
  writeFileSync(initrdPath, Buffer.concat([readFileSync(image.initrdPath), overlay]));
  return { ...image, initrdPath };
}
