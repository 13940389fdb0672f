import { silentLog } from "../../../src/lib/log.ts";
import { authorizationKind, voucherKind } from "../../../src/plane/sign-in-store/kinds.ts";
import { SignIn } from "../../../src/plane/sign-in.ts";
import { type TestServer, serveOnLoopback } from "./http-server.ts";
import { MemoryMembers, RecordedEvents } from "./memory-members.ts";
import { MemoryAccounts, MemoryProviders } from "./memory-stores.ts";
import { StandardProvider } from "./standard-provider.ts";
import { ThrowawayStore } from "./throwaway-store.ts";

/**
 * A whole plane's sign-in, with the provider of its organization, in which Ada is, on another site. `/api` says who asks,
 * and `/home` is a page with a button to sign out.
 */
export class WholePlane {
  readonly members = new MemoryMembers();
  readonly accounts = new MemoryAccounts();
  readonly events = new RecordedEvents();
  readonly provider = new StandardProvider();
  readonly #providers = new MemoryProviders();
  signIn!: SignIn;
  /** Added to the clock of the plane. */
  laterMs = 0;
  #server!: TestServer;
  #kept!: ThrowawayStore;

  async start({ deviceFlow = false, additionalScopes = [] as string[] } = {}): Promise<void> {
    this.#kept = await ThrowawayStore.open();
    const parts: { signIn?: SignIn } = {};
    this.#server = await serveOnLoopback((request, response) => {
      const answer = async () => {
        if (parts.signIn === undefined || (await parts.signIn.handle(request, response))) return;
        if (request.url === "/home") {
          const form = '<form method="post" action="/auth/sign-out"><button>Sign out</button></form>';
          response.writeHead(200, { "content-type": "text/html" }).end(`<!doctype html><h1>Home</h1>${form}`);
          return;
        }
        const { authorization, cookie, "berth-session-key": key } = request.headers;
        const sessionKey = typeof key === "string" ? key : undefined;
        const who = await parts.signIn.authenticate({ authorization, cookie, sessionKey });
        response.writeHead(who === undefined ? 401 : 200).end(JSON.stringify(who ?? {}));
      };
      answer().catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
    const people = { ada: { name: "Ada", email: "ada@example.com", email_verified: true } };
    await this.provider.start(people, () => [`${this.origin}/auth/callback/org-1`], "localhost");
    this.#addProvider(additionalScopes);
    this.members.all.set("org-1.account-1", { name: "Ada", email: "ada@example.com" });
    this.signIn = this.#compose(deviceFlow);
    parts.signIn = this.signIn;
  }

  get origin(): string {
    return this.#server.origin;
  }

  /** As if no provider had given a refresh token. */
  forgetVouchers(): Promise<void> {
    return this.#kept.clear(voucherKind);
  }

  /** As if the database failed while sign-ins of apps are ended; until the answer is called. */
  failEndingApps(): () => void {
    return this.#kept.refuseDeletes(authorizationKind);
  }

  async end(): Promise<void> {
    await this.#server.end();
    await this.#kept.end();
    await this.provider.end();
  }

  #compose(deviceFlow: boolean): SignIn {
    return new SignIn({
      store: this.#kept.store,
      sealing: this.#kept.sealer,
      publicUrl: new URL(this.origin),
      providers: this.#providers,
      accounts: this.accounts,
      members: this.members,
      events: this.events,
      outbound: {
        allowHttp: true,
        allowedNetworks: ["127.0.0.0/8"],
        resolve: () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]),
      },
      sessionLimits: {},
      deviceFlow,
      clientAddress: (request) => request.socket.remoteAddress ?? "",
      log: silentLog,
      now: () => Date.now() + this.laterMs,
    });
  }

  #addProvider(additionalScopes: string[]): void {
    this.#providers.all.push({
      id: "provider-1",
      organizationId: "org-1",
      displayName: "The provider",
      issuer: this.provider.issuer,
      clientId: "berth",
      clientSecret: "secret-of-berth-at-the-provider",
      additionalScopes,
      enabled: true,
      verifiedDomains: ["example.com"],
      emailsAreVerified: false,
      linkByVerifiedEmail: false,
    });
  }
}
