import { createHash, randomBytes } from "node:crypto";

const secretBytes = 32;
/** Long enough to copy a link to another window, short enough that one left in a terminal is worth nothing. */
export const linkLifetimeMs = 5 * 60_000;
const maxLinks = 32;
const maxSessions = 64;

export interface UiSession {
  /** Kept by the browser where no script can read it. */
  readonly cookie: string;
  /**
   * Kept by the page and sent in a header. Cookies do not know ports: every program that listens on 127.0.0.1, an
   * environment's forwarded web server too, is sent our cookie by the browser. It is never sent this.
   */
  readonly key: string;
}

/** Who may use the UI in a browser: links that work once, and the sessions they were exchanged for. */
export class UiSessions {
  readonly #now: () => number;
  /** Only hashes are kept; looking one up tells nothing about the others by its time. */
  readonly #links = new Map<string, { readonly expiresAtMs: number }>();
  readonly #sessions = new Map<string, { readonly key: string }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The token of a new link. */
  newLink(): string {
    const token = secret();
    keepYoungest(this.#links, maxLinks - 1);
    this.#links.set(hash(token), { expiresAtMs: this.#now() + linkLifetimeMs });
    return token;
  }

  /** A session for a link's token; nothing when it was used before, is too old or was never given. */
  exchange(token: string): UiSession | undefined {
    const id = hash(token);
    const link = this.#links.get(id);
    this.#links.delete(id);
    if (link === undefined || link.expiresAtMs < this.#now()) return undefined;
    const session = { cookie: secret(), key: secret() };
    keepYoungest(this.#sessions, maxSessions - 1);
    this.#sessions.set(hash(session.cookie), { key: hash(session.key) });
    return session;
  }

  has({ cookie, key }: UiSession): boolean {
    return this.#sessions.get(hash(cookie))?.key === hash(key);
  }
}

function keepYoungest(map: Map<string, unknown>, count: number): void {
  for (const key of [...map.keys()].slice(0, Math.max(0, map.size - count))) map.delete(key);
}

function secret(): string {
  return randomBytes(secretBytes).toString("base64url");
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
