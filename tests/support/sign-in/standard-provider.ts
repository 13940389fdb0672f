import type { IncomingMessage, ServerResponse } from "node:http";
import Provider, { type AccountClaims } from "oidc-provider";
import { type TestServer, serveOnLoopback } from "./http-server.ts";

const clientSecret = "secret-of-berth-at-the-provider";

/** The npm package oidc-provider as an organization's identity provider, with people who have one password: none. */
export class StandardProvider {
  readonly #people = new Map<string, AccountClaims>();
  #server!: TestServer;
  #hostname = "";
  #isPaused = false;
  /** How often it was asked for new tokens by a refresh token. */
  refreshes = 0;
  /** Called once, before the next answer about tokens; true when it has given the answer. */
  beforeTokens: ((response: ServerResponse) => Promise<boolean>) | undefined;

  /** `people` are claims by subject. */
  async start(
    people: Readonly<Record<string, Omit<AccountClaims, "sub">>>,
    redirectUris: () => string[],
    hostname = "127.0.0.1",
  ): Promise<void> {
    for (const [sub, claims] of Object.entries(people)) this.#people.set(sub, { sub, ...claims });
    this.#hostname = hostname;
    // Its issuer has the port in its name, so the port comes first.
    const served: { answer?: ReturnType<Provider["callback"]> } = {};
    this.#server = await serveOnLoopback((request, response) => {
      void this.#isAnswered(request, response).then((is) => (is ? undefined : served.answer?.(request, response)));
    });
    const provider = new Provider(this.issuer, {
      clients: [
        {
          client_id: "berth",
          client_secret: clientSecret,
          redirect_uris: redirectUris(),
          grant_types: ["authorization_code", "refresh_token"],
        },
      ],
      // Each works once, as with the strictest of providers.
      rotateRefreshToken: () => true,
      claims: { email: ["email", "email_verified"], profile: ["name"] },
      findAccount: (_context, sub) => {
        const claims = this.#people.get(sub);
        return claims === undefined ? undefined : { accountId: sub, claims: () => claims };
      },
      cookies: { keys: ["a key of a test"] },
      pkce: { required: () => true },
    });
    provider.on("grant.success", (ctx) => (this.refreshes += ctx.oidc.params?.["grant_type"] === "refresh_token" ? 1 : 0));
    served.answer = provider.callback();
  }

  /** Turned off: whoever asks about them is told so. */
  disable(sub: string): void {
    this.#people.delete(sub);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  get issuer(): string {
    return `http://${this.#hostname}:${this.#server.port}`;
  }

  async #isAnswered({ url }: IncomingMessage, response: ServerResponse): Promise<boolean> {
    if (this.#isPaused) response.destroy();
    const { beforeTokens } = this;
    if (this.#isPaused || beforeTokens === undefined || url !== "/token") return this.#isPaused;
    this.beforeTokens = undefined;
    return beforeTokens(response);
  }

  end(): Promise<void> {
    return this.#server.end();
  }
}
