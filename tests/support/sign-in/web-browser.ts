const maxHops = 20;

export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

/** A browser as far as signing in needs one: cookies of each host, redirects, links and forms. */
export class WebBrowser {
  readonly #cookies = new Map<string, Map<string, string>>();
  /** Every address that was asked for, in order. */
  readonly visited: string[] = [];

  async open(
    address: string | URL,
    init: { method?: string; body?: URLSearchParams; json?: string; origin?: string; follow?: boolean } = {},
  ): Promise<Page> {
    let url = new URL(address);
    let { method = "GET", body } = init;
    for (let hop = 0; hop < maxHops; hop++) {
      this.visited.push(url.href);
      const response = await fetch(url, {
        method,
        redirect: "manual",
        headers: {
          cookie: this.cookieHeader(url),
          ...(init.json === undefined ? {} : { "content-type": "application/json" }),
          ...(method === "POST" ? { origin: init.origin ?? url.origin } : {}),
        },
        ...(body === undefined ? {} : { body }),
        ...(init.json === undefined ? {} : { body: init.json }),
      });
      this.#keep(url, response.headers.getSetCookie());
      const location = response.headers.get("location");
      const text = await response.text();
      if (location === null || init.follow === false) return { url, status: response.status, text, headers: response.headers };
      url = new URL(location, url);
      // 307 and 308 would repeat the request as it was; nobody here sends those.
      method = "GET";
      body = undefined;
    }
    throw new Error(`more than ${maxHops} redirects`);
  }

  /** Fills in and sends the form of a page; `button` is one with name and value. */
  submit(page: Page, values: Readonly<Record<string, string>> = {}): Promise<Page> {
    const [, attributes = "", inside = ""] = /<form\b([^>]*)>([\s\S]*?)<\/form>/.exec(page.text) ?? [];
    const action = new URL(attributeOf(attributes, "action") ?? page.url.href, page.url);
    const fields = new URLSearchParams();
    for (const [, input = ""] of inside.matchAll(/<input\b([^>]*)>/g)) {
      const name = attributeOf(input, "name");
      if (name !== undefined) fields.set(name, attributeOf(input, "value") ?? "");
    }
    for (const [name, value] of Object.entries(values)) fields.set(name, value);
    if ((attributeOf(attributes, "method") ?? "get").toLowerCase() === "post") return this.open(action, { method: "POST", body: fields });
    action.search = fields.toString();
    return this.open(action);
  }

  cookieHeader(url: URL): string {
    return [...(this.#cookies.get(url.host) ?? [])].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  cookie(url: URL | string, name: string): string | undefined {
    return this.#cookies.get(new URL(url).host)?.get(name);
  }

  setCookie(url: URL | string, name: string, value: string): void {
    this.#keep(new URL(url), [`${name}=${value}`]);
  }

  #keep(url: URL, lines: readonly string[]): void {
    const jar = this.#cookies.get(url.host) ?? new Map<string, string>();
    this.#cookies.set(url.host, jar);
    for (const line of lines) {
      const [pair = "", ...attributes] = line.split(";").map((part) => part.trim());
      const [name = "", ...value] = pair.split("=");
      const expired = attributes.some(
        (one) => /^max-age=0$/i.test(one) || (/^expires=/i.test(one) && Date.parse(one.slice(8)) < Date.now()),
      );
      if (expired) jar.delete(name);
      else jar.set(name, value.join("="));
    }
  }
}

function attributeOf(attributes: string, name: string): string | undefined {
  return new RegExp(`\\b${name}="([^"]*)"`)
    .exec(attributes)?.[1]
    ?.replaceAll("&amp;", "&")
    .replace(/&#(\d+);/g, (_all, code: string) => String.fromCharCode(Number(code)));
}
