import { runnerCallTimeoutMs } from "../../contract/runner-protocol.ts";

/** How long a runner that was asked may take to come: as long as its answer may. */
export const meetTimeoutMs = runnerCallTimeoutMs;
/** Neither side sent anything for so long: sshd asks every 30 seconds whether somebody is there. */
export const idleTimeoutMs = 10 * 60_000;
/** How often it is looked at again whether who opened a tunnel still may use the environment. */
export const recheckIntervalMs = 60_000;
/** What waits for a side that reads too slowly; the other one is held back until there is room. */
export const maxQueuedPieces = 16;
/** At this process: of one person or service account, to one runner, and of all. */
export const maxTunnelsPerPerson = 32;
export const maxTunnelsPerRunner = 256;
export const maxTunnels = 2000;
/** How often a gateway says that it is there, and how long it counts as being there after that. */
export const presenceIntervalMs = 15_000;
export const presenceTtlMs = 3 * presenceIntervalMs;
