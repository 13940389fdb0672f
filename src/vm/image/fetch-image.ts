import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, statfs } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { BerthError } from "../../contract/berth-error.ts";
import { syncFolder, writeFileAtomically } from "../../lib/atomic-file.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { parseJson } from "../../lib/parse-json.ts";
import { downloadFile, request } from "./download-file.ts";
import type { ImageDownload } from "./image-store.ts";
import { type ImageManifest, imageFileNames, imageManifestSchema } from "./manifest.ts";

const descriptionTimeoutMs = 60_000;
const maxDescriptionBytes = 4 * 1024 ** 2;
const maxMirrors = 16;
/** Without so much beside the image no machine starts. */
const leftFreeBytes = 2 * 1024 ** 3;
const partialPrefix = ".download-";
const sizeSchema = z.int().positive();

/** download.json: what a server says of an image. */
export const imageDescriptionSchema = z.object({
  formatVersion: z.literal(1),
  manifest: imageManifestSchema,
  bytes: z.object({ kernel: sizeSchema, initrd: sizeSchema, "root.erofs": sizeSchema }),
  /** Folders with the image's files, tried in order; relative to the address of this description. */
  mirrors: z.array(z.string()).min(1).max(maxMirrors),
});
export type ImageDescription = z.infer<typeof imageDescriptionSchema>;

const downloadedSchema = z.object({ url: z.string(), identity: z.string() });

export interface ImageProgress {
  readonly receivedBytes: number;
  readonly totalBytes: number;
}

export interface FetchImageOptions {
  /** Of a download.json; `#sha256=HEX` behind it says what its bytes must be. */
  readonly url: string;
  readonly arch: "amd64" | "arm64";
  readonly log: Log;
  readonly onProgress?: (progress: ImageProgress) => void;
}

/** Gets the image of one address into a store, from mirrors, each file by its sha256 and from where it was left. */
export class HttpImageDownload implements ImageDownload {
  readonly #options: FetchImageOptions;

  constructor(options: FetchImageOptions) {
    this.#options = options;
  }

  async identity(storeFolder: string): Promise<string | undefined> {
    const downloaded = downloadedSchema.safeParse(parseJson(await readFile(notePath(storeFolder), "utf8").catch(() => "")));
    if (!downloaded.success || downloaded.data.url !== this.#options.url) return undefined;
    const { identity } = downloaded.data;
    return existsSync(join(folderOf(storeFolder, identity), "manifest.json")) ? identity : undefined;
  }

  async fetch(storeFolder: string, signal: AbortSignal): Promise<void> {
    if ((await this.identity(storeFolder)) !== undefined) return;
    const { url, arch } = this.#options;
    const address = parseAddress(url);
    const description = await fetchDescription(address, signal);
    const { manifest } = description;
    if (manifest.arch !== arch) throw new BerthError("image-download-failed", `${url} is an image for ${manifest.arch}, not for ${arch}`);
    const folder = folderOf(storeFolder, manifest.inputs);
    const partial = join(storeFolder, `${partialPrefix}${basename(folder)}`);
    await mkdir(partial, { recursive: true, mode: 0o700 });
    await removeOtherPartials(storeFolder, basename(partial));
    await this.#fetchFiles(address, description, partial, signal);
    await writeFileAtomically(join(partial, "manifest.json"), JSON.stringify(manifest));
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
    await syncFolder(storeFolder);
    await writeFileAtomically(notePath(storeFolder), JSON.stringify({ url, identity: manifest.inputs }));
  }

  async #fetchFiles(address: URL, { manifest, bytes, mirrors }: ImageDescription, folder: string, signal: AbortSignal): Promise<void> {
    const { log, onProgress } = this.#options;
    const totalBytes = imageFileNames.reduce((sum, name) => sum + bytes[name], 0);
    await checkSpace(folder, totalBytes);
    log.info("a machine image is downloaded", { from: address.href, bytes: totalBytes });
    let before = 0;
    for (const name of imageFileNames) {
      const urls = mirrors.map((mirror) => new URL(name, new URL(mirror.endsWith("/") ? mirror : `${mirror}/`, address)));
      await downloadFile(
        { path: join(folder, name), bytes: bytes[name], sha256: manifest.files[name], urls },
        { signal, onProgress: (received) => onProgress?.({ receivedBytes: before + received, totalBytes }) },
      );
      before += bytes[name];
    }
  }
}

function parseAddress(url: string): URL {
  if (!URL.canParse(url)) throw new BerthError("image-download-failed", `'${url}' is no address`);
  return new URL(url);
}

async function fetchDescription(address: URL, signal: AbortSignal): Promise<ImageDescription> {
  const url = new URL(address);
  url.hash = "";
  try {
    const response = await request(url, {}, AbortSignal.any([signal, AbortSignal.timeout(descriptionTimeoutMs)]));
    if (response.status !== 200) throw new Error(`the server answered ${response.status}`);
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of response.body ?? []) {
      size += part.length;
      if (size > maxDescriptionBytes) throw new Error(`it has more than ${maxDescriptionBytes} bytes`);
      parts.push(part);
    }
    const text = Buffer.concat(parts);
    const wanted = /^#sha256=([0-9a-f]{64})$/.exec(address.hash)?.[1];
    if (address.hash !== "" && createHash("sha256").update(text).digest("hex") !== wanted)
      throw new Error("its sha256 is not the one of the address");
    const description = imageDescriptionSchema.safeParse(parseJson(text.toString("utf8")));
    if (!description.success) throw new Error("it describes no machine image");
    return description.data;
  } catch (error) {
    signal.throwIfAborted();
    throw new BerthError("image-download-failed", `${url.href}: ${messageOf(error)}`, { cause: error });
  }
}

/** What another image's download left is of no use any more. */
async function removeOtherPartials(storeFolder: string, kept: string): Promise<void> {
  for (const name of await readdir(storeFolder))
    if (name.startsWith(partialPrefix) && name !== kept) await rm(join(storeFolder, name), { recursive: true, force: true });
}

async function checkSpace(folder: string, totalBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < totalBytes + leftFreeBytes)
    throw new BerthError(
      "host-disk-full",
      `the machine image takes ${inGib(totalBytes)} beside ${inGib(leftFreeBytes)} that must stay free, and ${folder} has ${inGib(bavail * bsize)}`,
    );
}

function folderOf(storeFolder: string, identity: string): string {
  return join(storeFolder, identity.slice(0, 32));
}

function notePath(storeFolder: string): string {
  return join(storeFolder, "downloaded.json");
}

function inGib(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}

/** What a server must say of an image that lies beside it. */
export function describeImage(manifest: ImageManifest, bytes: ImageDescription["bytes"]): ImageDescription {
  return { formatVersion: 1, manifest, bytes, mirrors: ["."] };
}
