import { type ErrorEntry, entry } from "./error-entry.ts";

/** What can go wrong between a caller or a runner and a management plane. */
export const accessErrors = {
  "sign-in-required": entry(
    "unauthenticated",
    "You are not signed in",
    "The request carries no token or session, or one that is unknown, expired or revoked.",
    "Sign in again, or use another token.",
  ),
  "credential-invalid": entry(
    "unauthenticated",
    "The credential was not accepted",
    "The token is unknown, has expired or was taken back.",
    "Sign in again, or use another token.",
  ),
  "not-allowed": entry(
    "permission_denied",
    "You may not do this",
    "Your role, your token, or what was shared with you does not go so far.",
    "Ask its owner or an administrator of your organization.",
  ),
  "exchange-token-invalid": entry(
    "unauthenticated",
    "The exchange token was not accepted",
    "It was used before, is older than 24 hours, or was replaced by a newer one.",
    "If you did not use it yourself, somebody else did: make a new one for this runner, which shuts the other out.",
  ),
  "runner-signed-up": entry(
    "already_exists",
    "The runner was not signed up",
    "It is signed up already, with another key.",
    "Make a new exchange token for it, and set it up with that.",
  ),
  "runner-replaced": entry(
    "failed_precondition",
    "This runner was replaced",
    "Another process has signed up as the same runner since.",
    "Stop one of the two. To use this one, start it again.",
  ),
  "runner-unreachable": entry(
    "unavailable",
    "The runner could not be reached",
    "It is not connected to the management plane, or has ended.",
    "Check that it runs, then try again.",
  ),
  "plane-unreachable": entry(
    "unavailable",
    "The management plane could not be reached",
    "It did not answer. What runs on this computer goes on without it.",
    "Check your network and the plane's address.",
  ),
  "runner-busy": entry(
    "resource_exhausted",
    "The runner has too much to answer",
    "As many questions as it may have at once are waiting for it.",
    "Try again in a minute.",
  ),
} as const satisfies Record<string, ErrorEntry>;
