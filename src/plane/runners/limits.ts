import { markActiveIntervalMs } from "../../contract/runner-protocol.ts";

/** One that did not for so long is inactive: it may be late twice. */
export const inactiveAfterMs = 3 * markActiveIntervalMs;
/** How often the plane looks for those that went missing, and for how many at once. */
export const sweepIntervalMs = 15_000;
export const maxSwept = 500;

export const exchangeTokenTtlMs = 24 * 60 * 60_000;

/** By then a question has reached the runner's stream, wherever that is; a runner that comes back takes a second or two. */
export const deliveryTimeoutMs = 5_000;
/** Questions that one process has open with one runner. */
export const maxOpenCalls = 64;
/** Questions that wait to be sent on one stream. */
export const maxQueuedCalls = 128;
/** Hints that wait to be sent on one stream; those about the same thing are one. A runner further behind lists anew. */
export const maxQueuedHints = 1000;
