import { randomBytes } from "node:crypto";
import { constants, existsSync } from "node:fs";
import { copyFile, link, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BerthError } from "../../contract/berth-error.ts";
import { syncFolder } from "../../lib/atomic-file.ts";
import { isErrno } from "../../lib/errno.ts";
import type { MachineImage } from "../driver.ts";
import { findManifest } from "./find-image.ts";
import { machineImageOf, readManifest, verifiedFileName, verifyImage } from "./image-folder.ts";
import type { ImageVersion } from "./image-state.ts";
import { type ImageManifest, imageFileNames } from "./manifest.ts";

const imageFolderPattern = /^[0-9a-f]{32}$/;
const importPrefix = ".import-";

/** Where a machine's images come from. */
export interface ImageSource {
  /** Gets what is offered from the network, where that is how it comes. Fails with `image-download-failed` or `host-disk-full`. */
  fetch(signal: AbortSignal): Promise<void>;
  /** What came with this version of Berth; undefined when there is none. Fails with `image-corrupt`. */
  offered(): Promise<ImageVersion | undefined>;
  /** Whether `open` would find it. */
  isThere(identity: string): Promise<boolean>;
  /** The image's files, checked. Fails with `image-missing` or `image-corrupt`. */
  open(identity: string): Promise<MachineImage>;
  /** Bytes that an image has, 0 for one that is not there. */
  sizeBytes(identity: string): Promise<number>;
  /** Removes all images but these. */
  keepOnly(identities: ReadonlySet<string>): Promise<void>;
}

/** Gets one image from the network into a store's folder. */
export interface ImageDownload {
  /** Does nothing when it is there. Fails with `image-download-failed` or `host-disk-full`. */
  fetch(storeFolder: string, signal: AbortSignal): Promise<void>;
  /** Of the image that was fetched; undefined before. */
  identity(storeFolder: string): Promise<string | undefined>;
}

export interface ImageStoreOptions {
  /** Here machines find the images they boot, whatever becomes of the app that brought them. */
  readonly folder: string;
  /** The images that came with the app or were built; perhaps read-only. */
  readonly offeredFolder: string;
  readonly arch: "amd64" | "arm64";
  /** Where images are got from when none came along. */
  readonly download?: ImageDownload;
  /** For tests: told after each change on the disk that lasts. */
  readonly onStep?: (step: "import-begun") => void;
}

/** The machine images of this computer: each in a folder of its own, made all at once and never changed. */
export class ImageStore implements ImageSource {
  readonly #options: ImageStoreOptions;
  /** What changes the folder is done one after the other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: ImageStoreOptions) {
    this.#options = options;
  }

  async fetch(signal: AbortSignal): Promise<void> {
    const { download, folder } = this.#options;
    if (download === undefined || (await this.#came()) !== undefined) return;
    await this.#inTurn(async () => {
      const identity = await download.identity(folder);
      if (identity !== undefined && !(await this.#isWhole(identity))) await rm(this.#folderOf(identity), { recursive: true, force: true });
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await download.fetch(folder, signal);
    });
  }

  async offered(): Promise<ImageVersion | undefined> {
    const manifest = (await this.#came())?.manifest ?? (await this.#downloaded());
    return manifest === undefined ? undefined : { identity: manifest.inputs, dataSchema: manifest.dataSchema };
  }

  async isThere(identity: string): Promise<boolean> {
    if (this.#isStored(identity)) return true;
    const came = await this.#came().catch(() => undefined);
    return came?.manifest.inputs === identity;
  }

  async open(identity: string): Promise<MachineImage> {
    const came = await this.#came().catch(() => undefined);
    if (came?.manifest.inputs === identity)
      await this.#inTurn(async () => {
        // What was damaged here is taken anew.
        if (!(await this.#isWhole(identity))) await this.#add(came.folder, came.manifest);
      });
    return this.#check(identity);
  }

  async #check(identity: string): Promise<MachineImage> {
    const folder = this.#folderOf(identity);
    const manifest = await readManifest(folder);
    if (manifest.inputs !== identity) throw new BerthError("image-corrupt", `${folder} holds another image`);
    await verifyImage(folder, manifest);
    return machineImageOf(folder, manifest);
  }

  /** What came with the app or was built; undefined when there is nothing. */
  async #came(): Promise<{ readonly folder: string; readonly manifest: ImageManifest } | undefined> {
    try {
      return await findManifest(this.#options.offeredFolder, this.#options.arch);
    } catch (error) {
      if (error instanceof BerthError && error.code === "image-missing") return undefined;
      throw error;
    }
  }

  async #downloaded(): Promise<ImageManifest | undefined> {
    const identity = await this.#options.download?.identity(this.#options.folder);
    return identity === undefined || !this.#isStored(identity) ? undefined : readManifest(this.#folderOf(identity));
  }

  async #isWhole(identity: string): Promise<boolean> {
    return this.#check(identity).then(
      () => true,
      () => false,
    );
  }

  #isStored(identity: string): boolean {
    return existsSync(join(this.#folderOf(identity), "manifest.json"));
  }

  async sizeBytes(identity: string): Promise<number> {
    const sizes = imageFileNames.map(async (name) => stat(join(this.#folderOf(identity), name)).then(({ size }) => size));
    return Promise.all(sizes).then(
      (all) => all.reduce((sum, size) => sum + size, 0),
      () => 0,
    );
  }

  async keepOnly(identities: ReadonlySet<string>): Promise<void> {
    const kept = new Set([...identities].map((identity) => identity.slice(0, 32)));
    await this.#inTurn(async () => {
      for (const name of await readdir(this.#options.folder).catch(() => []))
        if (name.startsWith(importPrefix) || (imageFolderPattern.test(name) && !kept.has(name)))
          await rm(join(this.#options.folder, name), { recursive: true, force: true });
    });
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  #folderOf(identity: string): string {
    return join(this.#options.folder, identity.slice(0, 32));
  }

  /** Takes an image into the store. */
  async #add(from: string, manifest: ImageManifest): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
    const partial = join(this.#options.folder, `${importPrefix}${randomBytes(6).toString("hex")}`);
    await mkdir(partial);
    try {
      // What was checked already counts for another name of the same file, and for no copy of it.
      await copyFile(join(from, verifiedFileName), join(partial, verifiedFileName)).catch(() => undefined);
      let linked = true;
      for (const name of imageFileNames) {
        linked = (await takeFile(join(from, name), join(partial, name))) && linked;
        this.#options.onStep?.("import-begun");
      }
      await takeFile(join(from, "manifest.json"), join(partial, "manifest.json"));
      await verifyImage(partial, manifest);
      if (linked) await copyFile(join(partial, verifiedFileName), join(from, verifiedFileName)).catch(() => undefined);
      await syncFolder(partial);
      await rm(this.#folderOf(manifest.inputs), { recursive: true, force: true });
      await rename(partial, this.#folderOf(manifest.inputs));
      await syncFolder(this.#options.folder);
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  }
}

/** True: a second name for the same file, since nobody changes an image's files; else, where that cannot be, a copy. */
async function takeFile(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT")) throw new BerthError("image-missing", `${from} is not there`, { cause: error });
  }
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  } catch (error) {
    if (isErrno(error, "ENOSPC")) throw new BerthError("host-disk-full", `${from} has no room in ${dirname(to)}`, { cause: error });
    throw error;
  }
  const file = await open(to, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  return false;
}
