import { entry, type ErrorEntry } from "./error-entry.ts";

/** What becomes of folders that are shared or synced. */
export const folderErrors = {
  "folder-not-shareable": entry(
    "failed_precondition",
    "The folder is not shared",
    "It is not there, or holds more than an environment should see.",
    "Name a folder that is meant for the environment alone, e.g. one with data. To work on files on both sides: berth sync",
  ),
  "folder-sharing-unavailable": entry(
    "failed_precondition",
    "Folders cannot be shared with machines on this computer",
    "The program that shares them is missing or did not start.",
    "Install virtiofsd 1.11 or newer (Debian 13, Ubuntu 24.04 and newer: apt install virtiofsd), or keep a folder the same: berth sync",
  ),
  "shared-folder-not-found": entry(
    "not_found",
    "The shared folder was not found",
    "There is none of this name.",
    "See the list: berth share list",
  ),
  "sync-not-found": entry("not_found", "The sync was not found", "There is none of this name.", "See the list: berth sync list"),
  "sync-refused": entry(
    "failed_precondition",
    "The folder was not synced",
    "It is in use otherwise, cannot be used, or holds more than work.",
    "Choose a folder of its own for the environment.",
  ),
} as const satisfies Record<string, ErrorEntry>;
