/** Berth's runners name their process in it; the plane listens only to the one that signed up last. */
export const runnerSessionHeader = "berth-runner-session";
/** How often a runner marks itself active. */
export const markActiveIntervalMs = 30_000;
/** How long after an answered ping the plane sends the next one over a runner's stream, */
export const streamPingIntervalMs = 15_000;
/** and how long it waits for the answer before it ends the stream. */
export const streamPingTimeoutMs = 30_000;
/** How often a runner lists its environments, which heals what a lost hint left undone. */
export const resyncIntervalMs = 60_000;
/** How long a question to a runner may take; people wait for it. */
export const runnerCallTimeoutMs = 20_000;
