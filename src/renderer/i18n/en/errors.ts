import type { ErrorTexts } from "../errors.ts";

/** The window has buttons where the catalogue tells of commands. */
export const errors: ErrorTexts = {
  "runner-needs-root": { whatToTry: "Do it again as root." },
  "runner-not-set-up": { whatToTry: "Set it up, or look as root." },
  "runner-update-failed": { whatToTry: "It runs on as before; its status tells the reason." },
  "folder-not-shareable": {
    whatToTry: "Name a folder that is meant for the environment alone, e.g. one with data. To work on files on both sides, sync a folder.",
  },
  "folder-sharing-unavailable": {
    whatToTry:
      "Install virtiofsd 1.11 or newer, which Debian 13, Ubuntu 24.04 and newer have as a package, or keep a folder the same by syncing it.",
  },
  "shared-folder-not-found": { whatToTry: "It may have been removed just now." },
  "sync-not-found": { whatToTry: "It may have been ended just now." },
  "changes-waiting": { whatToTry: "Wait until the plane is back, take them back, or discard them." },
  "change-not-found": { whatToTry: "Look at those that wait beside the plane's environments." },
  "devcontainer-choice": { whatToTry: "Choose one of them." },
  "environment-not-found": { whatToTry: "It may have been deleted; look at the list." },
  "environment-not-running": { whatToTry: "Start it, then try again." },
  "uncommitted-work": { whatToTry: "Push them, or say that you do not need them." },
  "confirmation-missing": { whatToTry: "Type the names of all environments on it." },
  "machine-boot-failed": { whatToTry: "Look at its console on the page Machine. Your data is on its disk, untouched." },
  "machine-unreachable": { whatToTry: "Stop the machine on its page, then start the environment." },
  "machine-running": { whatToTry: "Stop it first, on the page Machine." },
  "data-disk-read-only": { whatToTry: "Stop the machine on its page, then start the environment: the disk is checked then." },
  "suspend-failed": { whatToTry: "Try again, or shut it down on the page Machine." },
  "data-schema-too-new": {
    whatToTry:
      "Install that version of Berth again; nothing was changed. To begin anew without what is on it, reset the machine on its page.",
  },
  "data-migration-failed": {
    whatToTry: "Nothing was lost: the disk is put back as it was before. The console on the page Machine tells more.",
  },
  "computer-memory-short": { whatToTry: "Suspend one of them on the page Machine, or give machines less memory." },
  "machine-not-found": { whatToTry: "Look at the page Machine." },
  "hypervisor-failed": { whatToTry: "Look at the page Diagnostics." },
  "port-taken": { whatToTry: "Another port was chosen; the environment's page shows it." },
  "host-not-running": { whatToTry: "Start Berth again." },
  "ssh-failed": { whatToTry: "Check that the environment runs." },
  "editor-unknown": { whatToTry: "Install it, or choose another editor in the settings." },
  "environment-archived": { whatToTry: "Take it out of the archive first." },
  "environment-expired": { whatToTry: "Create a new one." },
  "resource-not-found": { whatToTry: "Load the page again, and choose from what there is." },
  "secret-value-hidden": { whatToTry: "Set a new value." },
  "argument-invalid": { title: "The input was not accepted", whatToTry: "Check what you entered." },
};
