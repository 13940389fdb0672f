import { entry, type ErrorEntry } from "./error-entry.ts";

/** What becomes of a headless runner and its computer. */
export const runnerErrors = {
  "runner-unfit": entry(
    "failed_precondition",
    "The runner was not set up",
    "This computer lacks something that a runner needs; nothing was changed.",
    "Mend what the list marks with ✗, then set it up again.",
  ),
  "runner-needs-root": entry(
    "permission_denied",
    "Nothing was changed on this computer",
    "A user and a service of the system are made by root alone.",
    "Do it again with sudo; to see what would be done: berth runner setup --dry-run",
  ),
  "runner-setup-running": entry(
    "failed_precondition",
    "Nothing was changed on this computer",
    "Its runner is being set up or removed by somebody else at this moment.",
    "Wait until that has ended, then do it again.",
  ),
  "runner-step-failed": entry(
    "internal",
    "A step of the runner's set-up failed",
    "A program of the system ended with an error.",
    "Mend what the message says and do it again; steps that are done already are not harmed by it.",
  ),
  "runner-not-set-up": entry(
    "failed_precondition",
    "There is no runner on this computer",
    "It was not set up, or its folder cannot be read by you.",
    "Set it up with: sudo berth runner setup. To look at one: sudo berth runner status",
  ),
  "class-unfit": entry(
    "failed_precondition",
    "The environment's machine was not started",
    "Its class asks for a machine that the runner's computer cannot make.",
    "Make the environment anew with another class, or have an administrator make one that fits.",
  ),
  "class-refused": entry(
    "failed_precondition",
    "The class was not added",
    "Its runner cannot give what it asks for.",
    "Ask for what the runner has, or choose another runner.",
  ),
  "runner-full": entry(
    "resource_exhausted",
    "The environment does not fit on this runner",
    "The runner has as many environments as it keeps.",
    "Delete one that is no longer needed, or use another runner; it starts by itself when there is room.",
  ),
  "runner-has-work": entry(
    "failed_precondition",
    "The runner was not removed",
    "Its environments have changes that were not pushed anywhere, or it cannot be known.",
    "Push them, or say which may be lost.",
  ),
  "runner-update-failed": entry(
    "unavailable",
    "The runner was not updated",
    "The new version was not to be had, was not signed by us, or did not become healthy.",
    "It runs on as before. Read the reason in: berth runner status",
  ),
} as const satisfies Record<string, ErrorEntry>;
