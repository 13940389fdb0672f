import { entry, type ErrorEntry } from "./error-entry.ts";

/** What can go wrong with environments of a plane that are worked with from here. */
export const remoteErrors = {
  "creation-offline": entry(
    "unavailable",
    "The environment was not made",
    "The plane does not answer, and nothing here could run it for the plane. Creations are not kept for later.",
    "Repeat it when the plane answers, or make the environment on this computer.",
  ),
  "changes-waiting": entry(
    "failed_precondition",
    "You are still signed in",
    "There are changes that the plane has not been told yet. They would be lost.",
    "Wait until the plane is back, take them back, or repeat with --discard-changes.",
  ),
  "change-not-found": entry(
    "not_found",
    "There is no such waiting change",
    "It was carried out, dropped or taken back meanwhile.",
    "See those that wait: berth context changes",
  ),
  "change-being-told": entry(
    "failed_precondition",
    "The change was not taken back",
    "The plane is being told of it at this moment, and may have it already.",
    "Look at the environment in a moment, and change it again where it was changed.",
  ),
  "change-limit": entry(
    "failed_precondition",
    "The change was not kept",
    "As many changes wait for the plane as are kept.",
    "Take some back, or wait until the plane is back.",
  ),
  "deletion-waiting": entry(
    "failed_precondition",
    "The change was not kept",
    "The deletion of this environment waits for the plane, so nothing else can happen to it.",
    "Take the deletion back first.",
  ),
} as const satisfies Record<string, ErrorEntry>;
