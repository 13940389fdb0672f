import { statSync } from "node:fs";
import type { SharedFolder } from "../driver.ts";

/**
 * The folders that a vfkit can be started with, and why not each other one, by tag. Its virtio-fs has no read-only
 * (doc/usage.md of vfkit 0.6): a guest's own mount option would not hold what is hostile in it.
 */
export function foldersToShare(folders: readonly SharedFolder[]): {
  readonly shared: readonly SharedFolder[];
  readonly failures: ReadonlyMap<string, string>;
} {
  const failures = new Map<string, string>();
  for (const { tag, hostPath, readOnly } of folders) {
    if (readOnly) failures.set(tag, "Apple Virtualization can share it only with the right to change it");
    else if (hostPath.includes(",")) failures.set(tag, "its path has a comma");
    else if (statSync(hostPath, { throwIfNoEntry: false })?.isDirectory() !== true) failures.set(tag, `${hostPath} is not there`);
  }
  return { shared: folders.filter(({ tag }) => !failures.has(tag)), failures };
}
