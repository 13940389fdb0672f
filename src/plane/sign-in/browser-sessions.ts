import { createHmac, timingSafeEqual } from "node:crypto";
import { type Session, type Sessions } from "./ports.ts";
import { hashOf, newSecret } from "./secret.ts";

/** A session ends when its provider was not asked for this long, so that whoever is barred there is barred here (S7). */
const maxSessionMs = 8 * 60 * 60_000;
const defaultIdleMs = 2 * 60 * 60_000;
/** How often a session in use is written; it ends up to this much early when it then rests. */
const touchEveryMs = 60_000;

export interface SessionLimits {
  /** Without a request for so long the session ends. */
  readonly idleMs?: number;
  /** From sign-in to its end, `maxSessionMs` at most. */
  readonly absoluteMs?: number;
}

/** The sessions of browsers: a cookie for `/auth`, and beside it a key that a page sends in a header to the API. */
export class BrowserSessions {
  readonly #sessions: Sessions;
  readonly #idleMs: number;
  readonly #absoluteMs: number;
  readonly #now: () => number;

  constructor(sessions: Sessions, limits: SessionLimits, now: () => number) {
    this.#sessions = sessions;
    this.#absoluteMs = Math.min(limits.absoluteMs ?? maxSessionMs, maxSessionMs);
    this.#idleMs = Math.min(limits.idleMs ?? defaultIdleMs, this.#absoluteMs);
    this.#now = now;
  }

  get absoluteMs(): number {
    return this.#absoluteMs;
  }

  /** Begins a session and answers with the cookie's value. */
  async begin(who: { readonly accountId: string; readonly organizationId: string; readonly providerId: string }): Promise<string> {
    const value = newSecret();
    const nowMs = this.#now();
    const times = { createdAtMs: nowMs, lastSeenAtMs: nowMs, expiresAtMs: nowMs + this.#absoluteMs };
    await this.#sessions.put({ idHash: hashOf(value), ...who, ...times });
    return value;
  }

  /** The session of a cookie; nothing when it ended. */
  async find(value: string | undefined): Promise<Session | undefined> {
    if (value === undefined) return undefined;
    const idHash = hashOf(value);
    const session = await this.#sessions.get(idHash);
    if (session === undefined) return undefined;
    const nowMs = this.#now();
    if (nowMs >= session.expiresAtMs || nowMs - session.lastSeenAtMs >= this.#idleMs) {
      await this.#sessions.remove(idHash);
      return undefined;
    }
    if (nowMs - session.lastSeenAtMs >= touchEveryMs) await this.#sessions.touch(idHash, nowMs);
    return session;
  }

  /**
   * The session of a request to the API. A cookie alone is not enough (S14): a page of another site can make the browser
   * send it, but not the key.
   */
  async findForApi(value: string | undefined, key: string | undefined): Promise<Session | undefined> {
    if (value === undefined || key === undefined || !sameText(key, keyOf(value))) return undefined;
    return this.find(value);
  }

  async end(value: string | undefined): Promise<void> {
    if (value !== undefined) await this.#sessions.remove(hashOf(value));
  }
}

/** The key that goes with a cookie's value. */
export function keyOf(value: string): string {
  return createHmac("sha256", value).update("berth session key").digest("base64url");
}

function sameText(left: string, right: string): boolean {
  const [leftBytes, rightBytes] = [Buffer.from(left), Buffer.from(right)];
  return leftBytes.length === rightBytes.length && timingSafeEqual(leftBytes, rightBytes);
}
