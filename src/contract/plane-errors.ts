import { entry, type ErrorEntry } from "./error-entry.ts";

/** What a management plane answers, beside what environments do. */
export const planeErrors = {
  "store-unavailable": entry(
    "unavailable",
    "The database did not answer",
    "It is down, out of reach, or does too much at once.",
    "Try again in a moment; whoever runs the server sees the reason in its log.",
  ),
  "changed-meanwhile": entry(
    "aborted",
    "Nothing was changed",
    "Somebody else changed the same thing at the same time.",
    "Look at it again, then repeat what you did.",
  ),
  "sign-in-required": entry(
    "unauthenticated",
    "You are not signed in",
    "The request carries no token, or one that is unknown, expired or revoked.",
    "Sign in again, or use another token.",
  ),
  "request-not-permitted": entry(
    "permission_denied",
    "You may not do this",
    "Your role or your token does not allow it.",
    "Ask an administrator of your organization, or use a token that may.",
  ),
  "rate-limited": entry(
    "resource_exhausted",
    "Too much was asked at once",
    "The server answers each caller only so often.",
    "Wait a moment, then go on.",
  ),
  "key-unusable": entry(
    "failed_precondition",
    "The key of the database cannot be used",
    "It is open to others, or it is not the one that the secrets in the database were sealed with.",
    "Give the server the key file that the database was made with, readable by nobody else.",
  ),
  "runner-unreachable": entry(
    "unavailable",
    "The runner did not answer",
    "It is not connected to the management plane now.",
    "Try again when it is back; its page shows when it was last seen.",
  ),
  "runner-not-signed-up": entry(
    "failed_precondition",
    "The runner has not signed up",
    "Nothing can be sealed for a runner that has not shown its key yet.",
    "Set the runner up with a token of CreateRunnerToken, then try again.",
  ),
  "runner-in-use": entry(
    "failed_precondition",
    "The runner was not deleted",
    "There are environments on it, which would be lost to everybody.",
    "Delete them first, or delete the runner with force: true to have the plane forget them.",
  ),
} as const satisfies Record<string, ErrorEntry>;
