import { type Log } from "../../../src/lib/log.ts";
import { GuardedFetch, type OutboundOptions } from "../../../src/plane/outbound/guarded-fetch.ts";
import { BrowserSessions, type SessionLimits } from "../../../src/plane/sign-in/browser-sessions.ts";
import { type ProviderConfiguration } from "../../../src/plane/sign-in/ports.ts";
import { RelyingParty } from "../../../src/plane/sign-in/relying-party.ts";
import { SignInHandler, redirectUriOf } from "../../../src/plane/sign-in/sign-in-handler.ts";
import { browserSessionKind, signInStateKind } from "../../../src/plane/sign-in-store/kinds.ts";
import { StoredSessions, StoredSignInStates } from "../../../src/plane/sign-in-store/stored-sign-ins.ts";
import { StoredVouchers } from "../../../src/plane/sign-in-store/stored-vouchers.ts";
import { Vouching } from "../../../src/plane/sign-in/vouching.ts";
import { type TestServer, serveOnLoopback } from "./http-server.ts";
import { RecordedEvents } from "./memory-members.ts";
import { MemoryAccounts, MemoryProviders } from "./memory-stores.ts";
import { ThrowawayStore } from "./throwaway-store.ts";

export interface PlaneSettings {
  readonly outbound?: OutboundOptions;
  readonly limits?: SessionLimits;
}

/** The plane's sign-in on a port of its own. Its home page says who is signed in. */
export class SigningInPlane {
  readonly providers = new MemoryProviders();
  readonly accounts = new MemoryAccounts();
  readonly events = new RecordedEvents();
  /** All that was written to the log. */
  readonly logged: string[] = [];
  /** Added to the clock of the plane. */
  laterMs = 0;
  handler!: SignInHandler;
  #server!: TestServer;
  #store!: ThrowawayStore;
  readonly #log: Log = {
    info: (message, fields) => void this.logged.push(JSON.stringify([message, fields])),
    warn: (message, fields) => void this.logged.push(JSON.stringify([message, fields])),
    error: (message, fields) => void this.logged.push(JSON.stringify([message, fields])),
    child: () => this.#log,
  };

  async start({ outbound = {}, limits = {} }: PlaneSettings = {}): Promise<void> {
    this.#store = await ThrowawayStore.open();
    this.#server = await serveOnLoopback((request, response) => {
      const answer = async () => {
        if (await this.handler.handle(request, response)) return;
        const session = await this.handler.sessionOf(request);
        response.end(`signed in: ${session?.accountId ?? "nobody"}`);
      };
      answer().catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
    const now = () => Date.now() + this.laterMs;
    const fetcher = new GuardedFetch({ allowHttp: true, allowedNetworks: ["127.0.0.0/8"], timeoutMs: 1500, ...outbound });
    this.handler = new SignInHandler({
      publicUrl: new URL(this.#server.origin),
      providers: this.providers,
      states: new StoredSignInStates(this.#store.store),
      sessions: new BrowserSessions(new StoredSessions(this.#store.store), limits, now),
      accounts: this.accounts,
      relyingParty: new RelyingParty(fetcher),
      vouching: new Vouching({
        vouchers: new StoredVouchers(this.#store.store),
        sealing: this.#store.sealer,
        providers: this.providers,
        relyingParty: new RelyingParty(fetcher),
        log: this.#log,
        now,
      }),
      events: this.events,
      clientAddress: (request) => request.socket.remoteAddress ?? "",
      log: this.#log,
      now,
    });
  }

  /** As it was when it started. */
  async reset(): Promise<void> {
    this.laterMs = 0;
    this.providers.all.length = 0;
    this.accounts.all.length = 0;
    this.events.all.length = 0;
    await this.#store.clear(signInStateKind, browserSessionKind);
  }

  get origin(): string {
    return this.#server.origin;
  }

  async sessions(): Promise<number> {
    return (await this.#store.all(browserSessionKind)).length;
  }

  addProvider(provider: Partial<ProviderConfiguration> & Pick<ProviderConfiguration, "issuer">): ProviderConfiguration {
    const added = {
      id: `provider-${this.providers.all.length + 1}`,
      organizationId: "org-1",
      displayName: "The provider",
      clientId: "berth",
      clientSecret: "secret-of-berth-at-the-provider",
      additionalScopes: [],
      enabled: true,
      verifiedDomains: ["example.com"],
      emailsAreVerified: false,
      linkByVerifiedEmail: false,
      ...provider,
    };
    this.providers.all.push(added);
    return added;
  }

  redirectUri(organizationId = "org-1"): string {
    return redirectUriOf(new URL(this.origin), organizationId);
  }

  async end(): Promise<void> {
    await this.#server.end();
    await this.#store.end();
  }
}
