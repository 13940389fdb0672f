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
  "idempotency-key-reused": entry(
    "invalid_argument",
    "Nothing was done",
    "The idempotency key of the request was used for another request before.",
    "Give each thing that you make a key of its own, and repeat a call exactly as it was.",
  ),
  "answer-not-kept": entry(
    "failed_precondition",
    "It was done before, and the answer is told only once",
    "The first call with this idempotency key succeeded. Its answer had a credential in it, which the server does not keep.",
    "Look for what the first call made. Where its answer got lost, make another one with another key and delete the first.",
  ),
  "answer-unknown": entry(
    "aborted",
    "It was done before, but the answer is not there",
    "The first call with this idempotency key was carried out, and its answer was not written down, or not yet.",
    "Repeat the call in a moment; if that does not help, look for what the first call made.",
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
  "runner-not-signed-up": entry(
    "failed_precondition",
    "The runner has not signed up",
    "Nothing can be sealed for a runner that has not shown its key yet.",
    "Set the runner up with a token of CreateRunnerToken, then try again.",
  ),
  "policy-refused": entry(
    "failed_precondition",
    "Your organization's policy does not allow it",
    "An administrator of your organization has said so for its members.",
    "Ask an administrator of your organization, who can change its policies.",
  ),
  "runner-in-use": entry(
    "failed_precondition",
    "The runner was not deleted",
    "There are environments on it, which would be lost to everybody.",
    "Delete them first, or delete the runner with force: true to have the plane forget them.",
  ),
  "service-running": entry(
    "failed_precondition",
    "The service was not changed",
    "It runs, and what it runs with is changed only while it is stopped.",
    "Stop it, change it, then start it again.",
  ),
} as const satisfies Record<string, ErrorEntry>;
