import { lstatSync, rmSync } from "node:fs";
import { isErrno } from "./errno.ts";

/** Whatever still writes in the folder does so a few times at most. */
const maxTries = 50;

/**
 * Removes a folder with all that is in it, where others may still write in it; one that is not there is no failure.
 * Node's own `force` takes a file that goes away meanwhile for the absence of the whole, and leaves the rest without a word.
 * Fails as the system does, or when the folder is filled again and again.
 */
export function removeFolder(path: string): void {
  for (let left = maxTries; lstatSync(path, { throwIfNoEntry: false }) !== undefined; left--)
    try {
      rmSync(path, { recursive: true });
    } catch (error) {
      if (left === 0 || !["ENOENT", "ENOTEMPTY"].some((code) => isErrno(error, code))) throw error;
    }
}
