/**
 * Ties calls to one process that has the runner's private key. A runner that signs up asks for a session with `newSession`;
 * the answer has it in the same header, in base64, as a sealed box for the runner's public key. Calls then carry what was in
 * the box. With its first call the session takes the place of the one before. Runners that do not ask have none.
 */
export const runnerSessionHeader = "berth-runner-session";
export const newSession = "new";
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
