import { streamPingIntervalMs, streamPingTimeoutMs } from "../../contract/runner-protocol.ts";

/**
 * A call to the plane that has no answer by then counts as lost, and its connection with it when nothing else came over it
 * either: longer than the plane's pings are apart.
 */
export const callTimeoutMs = 20_000;
/** A stream that said nothing for so long is dead: the plane pings over it. */
export const streamSilenceMs = streamPingIntervalMs + streamPingTimeoutMs;
export const firstRetryMs = 500;
export const maxRetryMs = 30_000;
/** A connection that held for so long was good: the next try begins with the shortest pause. */
export const steadyAfterMs = 10_000;
/** Questions of the plane that are worked on at once. */
export const maxAnswersAtOnce = 16;
/** Tunnels into environments of this runner. */
export const maxTunnelsAtOnce = 256;
/** How often an answer is sent before it is given up; the plane's question has a time limit of its own. */
export const maxAnswerTries = 3;
/** How many environments are listed at once; the API's limit. */
export const listPageSize = 100;
export const maxListPages = 1000;
/** For so long after a call was lost it may still arrive late, over what was thought dead, and undo a newer one. */
export const lateArrivalMs = 10 * 60_000;
