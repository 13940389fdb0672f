/** What sign-in needs of the plane's store; `at` and `…Ms` are milliseconds since 1970. */

/** An identity provider that an organization has set up. */
export interface ProviderConfiguration {
  readonly id: string;
  readonly organizationId: string;
  readonly displayName: string;
  /** The issuer's identifier (OpenID Connect Discovery 1.0 §3), an https URL. */
  readonly issuer: string;
  readonly clientId: string;
  /** Absent for a public client. */
  readonly clientSecret?: string;
  /** Beside `openid`, `email` and `profile`. */
  readonly additionalScopes: readonly string[];
  readonly enabled: boolean;
  /** The domains of the organization that are verified, in lower case; no others. */
  readonly verifiedDomains: readonly string[];
  /** An administrator's word that this provider's addresses are its own even where it sends no `email_verified`. */
  readonly emailsAreVerified: boolean;
  /** An administrator's word that an existing account may be joined by a verified address. */
  readonly linkByVerifiedEmail: boolean;
}

export interface ProviderDirectory {
  byId(id: string): Promise<ProviderConfiguration | undefined>;
  /** Those that are turned on and whose organization has verified the domain, in a stable order. */
  byVerifiedDomain(domain: string): Promise<readonly ProviderConfiguration[]>;
}

/** A sign-in that was begun. */
export interface SignInState {
  /** SHA-256 of the `state` parameter. */
  readonly stateHash: string;
  readonly providerId: string;
  /** SHA-256 of the cookie of the browser that began it. */
  readonly browserHash: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** Where the browser goes afterwards: a path on the plane's own origin. */
  readonly returnPath: string;
  readonly expiresAtMs: number;
}

export interface SignInStates {
  put(state: SignInState): Promise<void>;
  /** Removes it and answers with it, in one step: of two that ask at once only one gets it. */
  take(stateHash: string): Promise<SignInState | undefined>;
}

export interface Session {
  /** SHA-256 of the cookie's value; the value itself is nowhere but in the browser. */
  readonly idHash: string;
  readonly accountId: string;
  readonly organizationId: string;
  readonly providerId: string;
  readonly createdAtMs: number;
  readonly lastSeenAtMs: number;
  /** When it ends whatever happens (S7). */
  readonly expiresAtMs: number;
}

export interface Sessions {
  put(session: Session): Promise<void>;
  get(idHash: string): Promise<Session | undefined>;
  touch(idHash: string, lastSeenAtMs: number): Promise<void>;
  remove(idHash: string): Promise<void>;
  /** All of an account in an organization, e.g. when a member is removed. */
  removeAllOf(accountId: string, organizationId: string): Promise<void>;
}

/** Who an identity provider says somebody is. `issuer` and `subject` together are the only key (S8). */
export interface ProviderIdentity {
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  /** In lower case; absent unless it is verified. */
  readonly verifiedEmail?: string;
}

/** For the audit log. */
export interface SignInEvents {
  signedIn(event: {
    readonly organizationId: string;
    readonly accountId: string;
    readonly through: "browser" | "app" | "device code";
    /** The address of whoever sent the request. */
    readonly address: string;
  }): void;
  signedOut(event: { readonly organizationId: string; readonly accountId: string; readonly address: string }): void;
  /** A used-up code or refresh token came again: somebody may have stolen it, and the whole sign-in was ended. */
  reuseDetected(event: { readonly organizationId: string; readonly accountId: string; readonly model: string }): void;
}

/** What a provider gave to be asked by, whether it still vouches for somebody. One for each person of an organization. */
export interface Voucher {
  readonly organizationId: string;
  readonly accountId: string;
  readonly providerId: string;
  /** The person at the provider. */
  readonly providerSubject: string;
  readonly sealedRefreshToken: Uint8Array;
  readonly vouchedAtMs: number;
  /** When a process last began to ask. */
  readonly askedAtMs: number;
  readonly expiresAtMs: number;
}

export interface Vouchers {
  /** Adds it or takes the place of the person's earlier one. */
  put(voucher: Voucher): Promise<void>;
  get(organizationId: string, accountId: string): Promise<Voucher | undefined>;
  /** Sets when it is asked, if it is still the one that was read: of many that want to ask one gets true. */
  claim(voucher: Voucher, askedAtMs: number): Promise<boolean>;
  /** Puts `renewed` in the place of the one that was claimed; false when that is not there any more, and nothing is kept. */
  renew(claimed: Voucher, renewed: Voucher): Promise<boolean>;
  remove(organizationId: string, accountId: string): Promise<void>;
}

export interface LinkedAccount {
  readonly id: string;
  readonly organizationIds: readonly string[];
}

export interface AccountLinks {
  byIdentity(issuer: string, subject: string): Promise<LinkedAccount | undefined>;
  byEmail(email: string): Promise<LinkedAccount | undefined>;
  /** Makes an account with this identity in the organization; when another call was first, answers with that one. */
  create(identity: ProviderIdentity & { readonly verifiedEmail: string }, organizationId: string): Promise<LinkedAccount>;
  /** Gives an account one more identity. */
  link(accountId: string, identity: ProviderIdentity): Promise<void>;
  /** Makes the account a member of the organization, unless it is one. */
  join(accountId: string, organizationId: string): Promise<void>;
  /** Name and address as the provider tells them now. */
  refresh(accountId: string, identity: ProviderIdentity): Promise<void>;
}
