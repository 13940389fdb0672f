import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import { randomBytes } from "node:crypto";
import type { AgentService } from "../contract/gen/berth/v1/agent_pb.js";
import { type Log, messageOf } from "../lib/log.ts";

/** The guest's clock is set anew so often: a computer that slept wakes with its guests behind. */
const clockSyncIntervalMs = 60_000;
const entropyBytes = 32;

interface GuestClock {
  readonly client: Client<typeof AgentService>;
  readonly now: () => number;
  readonly log: Log;
  readonly ended: Promise<unknown>;
}

/** Sets a guest's clock, and stirs its random numbers, which a guest that was saved would draw again. */
export async function setGuestClock(client: Client<typeof AgentService>, nowMs: number, signal?: AbortSignal): Promise<void> {
  await client.setClock({ now: timestampFromMs(nowMs), entropy: randomBytes(entropyBytes) }, signal === undefined ? {} : { signal });
}

/** The same where nothing depends on it. */
export function trySetGuestClock({ client, now, log }: Pick<GuestClock, "client" | "now" | "log">): void {
  setGuestClock(client, now()).catch((error: unknown) => log.info("the clock was not set", { reason: messageOf(error) }));
}

/** A guest's clock stands still while its computer sleeps, so it is set again and again until `ended`. */
export function keepGuestClock({ ended, ...clock }: GuestClock): void {
  const timer = setInterval(() => trySetGuestClock(clock), clockSyncIntervalMs);
  timer.unref();
  void ended.then(() => clearInterval(timer));
}
