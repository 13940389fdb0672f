import { BerthError } from "../contract/berth-error.ts";
import { addressBlock } from "../lib/network/address-block.ts";
import type { Admit } from "../plane/caller.ts";

/** How much of something somebody may have: `burst` at once, and `perSecond` more as time goes by. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Of somebody who is known. */
export const callerRate: Rate = { perSecond: 100, burst: 500 };
/** Of an address from which nobody known calls: enough to sign in, too little to guess. */
export const strangerRate: Rate = { perSecond: 5, burst: 50 };
/** Whoever was seen longest ago is forgotten; by then their bucket has long filled up. */
const maxBuckets = 20_000;
const msPerSecond = 1000;

/** Token buckets by name, in this process. */
export class RateLimiter {
  readonly #rate: Rate;
  readonly #now: () => number;
  readonly #buckets = new Map<string, { level: number; atMs: number }>();

  constructor(rate: Rate, now: () => number) {
    this.#rate = rate;
    this.#now = now;
  }

  /** Takes one; false when there is none left. */
  take(name: string): boolean {
    const nowMs = this.#now();
    const { perSecond, burst } = this.#rate;
    const { level, atMs } = this.#buckets.get(name) ?? { level: burst, atMs: nowMs };
    const filled = Math.min(burst, level + (Math.max(0, nowMs - atMs) / msPerSecond) * perSecond);
    const isFree = filled >= 1;
    // At the end of the map, whose begin is who was seen longest ago.
    this.#buckets.delete(name);
    this.#buckets.set(name, { level: isFree ? filled - 1 : filled, atMs: nowMs });
    if (this.#buckets.size > maxBuckets) for (const oldest of this.#buckets.keys()) return this.#buckets.delete(oldest) && isFree;
    return isFree;
  }
}

/** Refuses with `rate-limited` who asks too much. */
export function rateLimits(now: () => number): Admit {
  const callers = new RateLimiter(callerRate, now);
  const strangers = new RateLimiter(strangerRate, now);
  return (caller, address) => {
    if (!(caller === undefined ? strangers.take(addressBlock(address)) : callers.take(caller.id)))
      throw new BerthError("rate-limited", "wait a second, then go on more slowly");
  };
}
