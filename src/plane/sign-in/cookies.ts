const maxCookieHeaderLength = 16 * 1024;

/**
 * Cookies of the sign-in. On https they have the `__Host-` prefix: Secure, for the whole host and no other, so that no
 * neighbouring host can set them. Plain http is for trials on one computer, where browsers refuse the prefix.
 */
export class Cookies {
  readonly #secure: boolean;

  constructor(secure: boolean) {
    this.#secure = secure;
  }

  name(name: string): string {
    return this.#secure ? `__Host-${name}` : name;
  }

  /** The Set-Cookie line. Lax, because the browser comes back from another site. */
  set(name: string, value: string, maxAgeMs: number): string {
    const attributes = ["Path=/", "HttpOnly", "SameSite=Lax", `Max-Age=${Math.floor(maxAgeMs / 1000)}`];
    return [`${this.name(name)}=${value}`, ...attributes, ...(this.#secure ? ["Secure"] : [])].join("; ");
  }

  clear(name: string): string {
    return this.set(name, "", 0);
  }

  /** The value that the browser sent; nothing when it sent none or two, of which one would be somebody else's. */
  get(header: string | undefined, name: string): string | undefined {
    if (header === undefined || header.length > maxCookieHeaderLength) return undefined;
    const prefix = `${this.name(name)}=`;
    const found = header
      .split(";")
      .map((part) => part.trim())
      .filter((part) => part.startsWith(prefix));
    const value = found[0]?.slice(prefix.length) ?? "";
    return found.length === 1 && value !== "" ? value : undefined;
  }
}
