import type { HttpRequest, HttpResponse } from "./http-messages.ts";
import type { Log } from "../lib/log.ts";
import { AuthorizationServer } from "./authorization-server/authorization-server.ts";
import type { Members } from "./authorization-server/ports.ts";
import type { Subject } from "./authorization-server/subject.ts";
import { IdTokenIssuer } from "./id-tokens/id-token-issuer.ts";
import { GuardedFetch, type OutboundOptions } from "./outbound/guarded-fetch.ts";
import { removeExpiredSignIns } from "./sign-in-store/remove-expired.ts";
import { StoredAuthorizations } from "./sign-in-store/stored-authorizations.ts";
import { StoredSessions, StoredSignInStates } from "./sign-in-store/stored-sign-ins.ts";
import { StoredSigningKeys } from "./sign-in-store/stored-signing-keys.ts";
import { StoredVouchers } from "./sign-in-store/stored-vouchers.ts";
import { BrowserSessions, type SessionLimits } from "./sign-in/browser-sessions.ts";
import type { AccountLinks, ProviderDirectory, SignInEvents } from "./sign-in/ports.ts";
import { RelyingParty } from "./sign-in/relying-party.ts";
import { SignInHandler } from "./sign-in/sign-in-handler.ts";
import { Vouching } from "./sign-in/vouching.ts";
import { type Sealing, SigningKeys } from "./signing-keys/signing-keys.ts";
import type { Store } from "./store/store.ts";

const bearer = /^Bearer ([\w.~+/-]+=*)$/i;

export interface SignInNeeds {
  readonly store: Store;
  readonly sealing: Sealing;
  /** Where browsers and apps reach the plane: an origin. */
  readonly publicUrl: URL;
  readonly providers: ProviderDirectory;
  readonly accounts: AccountLinks;
  readonly members: Members;
  readonly events: SignInEvents;
  readonly outbound: OutboundOptions;
  readonly sessionLimits: SessionLimits;
  /** Whether organizations may let their people sign in with device codes at all. */
  readonly deviceFlow: boolean;
  readonly clientAddress: (request: HttpRequest) => string;
  readonly log: Log;
  readonly now: () => number;
}

/** Who sent a request to the API. */
export interface SignedIn extends Subject {
  readonly through: "app" | "browser";
}

/** What of a request says who sent it. */
export interface Credentials {
  readonly authorization: string | undefined;
  readonly cookie: string | undefined;
  /** The header `sessionKeyHeader`. */
  readonly sessionKey: string | undefined;
}

/** Everything about signing in that a server has to have. */
export class SignIn {
  readonly idTokens: IdTokenIssuer;
  /** Checks the settings of a provider before they are kept (`RelyingParty.probe`). */
  readonly relyingParty: RelyingParty;
  readonly #needs: SignInNeeds;
  readonly #sessions: StoredSessions;
  readonly #vouchers: StoredVouchers;
  readonly #browsers: SignInHandler;
  readonly #apps: AuthorizationServer;

  constructor(needs: SignInNeeds) {
    const { store, sealing, publicUrl, now } = needs;
    this.#needs = needs;
    this.#sessions = new StoredSessions(store);
    this.relyingParty = new RelyingParty(new GuardedFetch(needs.outbound));
    const keys = new StoredSigningKeys(store);
    this.idTokens = new IdTokenIssuer(publicUrl, new SigningKeys(keys, sealing, "environments", now), now);
    this.#vouchers = new StoredVouchers(store);
    const vouching = new Vouching({ ...needs, vouchers: this.#vouchers, relyingParty: this.relyingParty });
    this.#browsers = new SignInHandler({
      ...needs,
      states: new StoredSignInStates(store),
      sessions: new BrowserSessions(this.#sessions, needs.sessionLimits, now),
      relyingParty: this.relyingParty,
      vouching,
    });
    this.#apps = new AuthorizationServer({
      ...needs,
      records: new StoredAuthorizations(store),
      keys: new SigningKeys(keys, sealing, "apps", now),
      signIn: this.#browsers,
      vouching,
      endAllOf: (subject) => this.endAllOf(subject),
    });
  }

  get publicUrl(): URL {
    return this.#needs.publicUrl;
  }

  /** Answers what is below `/auth`, `/oauth` and `/.well-known`; false, and nothing done, for everything else. */
  async handle(request: HttpRequest, response: HttpResponse): Promise<boolean> {
    return (
      (await this.#browsers.handle(request, response)) ||
      (await this.#apps.handle(request, response)) ||
      (await this.idTokens.handle(request, response))
    );
  }

  /** Who sent a request, by an app's token or a browser's session; nothing for tokens of other kinds and strangers. */
  async authenticate({ authorization, cookie, sessionKey }: Credentials): Promise<SignedIn | undefined> {
    if (authorization !== undefined) {
      const [, token] = bearer.exec(authorization) ?? [];
      const holder = token === undefined ? undefined : await this.#apps.holderOf(token);
      return holder === undefined ? undefined : { organizationId: holder.organizationId, accountId: holder.accountId, through: "app" };
    }
    const session = await this.#browsers.apiSessionOf({ cookie, key: sessionKey });
    return session === undefined ? undefined : { organizationId: session.organizationId, accountId: session.accountId, through: "browser" };
  }

  /** Ends all that a member is signed in with, e.g. when it is removed or turned off. */
  async endAllOf(subject: Subject): Promise<void> {
    await this.#sessions.removeAllOf(subject.accountId, subject.organizationId);
    await this.#apps.revokeAllOf(subject);
    // Last: if this ends half-way, the provider is asked about what is left.
    await this.#vouchers.remove(subject.organizationId, subject.accountId);
  }

  /** To be called every few minutes; true when there may be more to remove at once. */
  removeExpired(): Promise<boolean> {
    return removeExpiredSignIns(this.#needs.store, this.#needs.now());
  }
}
