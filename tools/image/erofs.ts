import { stat } from "node:fs/promises";
import { run, sourceDateEpoch } from "./shell.ts";

const rootUuid = "62657274-6800-4000-8000-000000000001";

/** Packs a tree, uncompressed: reading costs the guest less than unpacking. Same names, modes and contents give the same bytes. */
export async function packErofs(folder: string, out: string): Promise<void> {
  // mkfs.erofs 1.5 takes each file's nanoseconds in spite of -T.
  await run("find", [folder, "-exec", "touch", "-h", "-d", `@${sourceDateEpoch}`, "{}", "+"]);
  await run("mkfs.erofs", ["-T", String(sourceDateEpoch), "-U", rootUuid, out, folder]);
}

/** Percentage of a file that is being written. */
export async function percentageOf(path: string, totalBytes: number): Promise<string> {
  const { size } = await stat(path);
  return `${Math.min(99, Math.floor((100 * size) / totalBytes))} %`;
}

/** Bytes of all files in a tree, as they will lie in the image. */
export async function treeBytes(folder: string): Promise<number> {
  return Number((await run("du", ["-s", "--block-size=1", "--apparent-size", folder])).split("\t")[0]);
}
