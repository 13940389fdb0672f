import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "../../lib/atomic-file.ts";

/** What programs in the machine trust: git, docker, Node with `--use-system-ca`. */
export const systemBundle = "/etc/ssl/certs/ca-certificates.crt";
const readableMode = 0o644;

/** Where a container finds the authorities, in the folder that it sees as /run/berth. */
export const containerBundle = { all: "ca-bundle.pem", extra: "ca-extra.pem" } as const;

/** Makes the machine trust these beside those of its image, and no others that were added before. Gives all of them. */
export async function trustInMachine(extraPem: string, folder: string): Promise<string> {
  const original = join(folder, "image-ca.pem");
  await mkdir(folder, { recursive: true, mode: 0o755 });
  if (!existsSync(original)) await copyFile(systemBundle, original);
  const wanted = (await readFile(original, "utf8")) + extraPem;
  if (wanted !== (await readFile(systemBundle, "utf8"))) await writeFileAtomically(systemBundle, wanted, readableMode);
  return wanted;
}

/** Puts the authorities where a container's sessions look. The container's root can write there: a name is replaced, never followed. */
export async function trustInContainer(runFolder: string, all: string, extraPem: string): Promise<void> {
  if (extraPem === "" && !existsSync(join(runFolder, containerBundle.all))) return;
  await writeFileAtomically(join(runFolder, containerBundle.all), all, readableMode);
  await writeFileAtomically(join(runFolder, containerBundle.extra), extraPem, readableMode);
}
