/** What the authorization server needs of the plane's store and of its accounts; times are milliseconds since 1970. */

/** A code, token, grant or session of OAuth. Hashes are SHA-256; no token can be made of what is here. */
export interface OAuthRecord {
  readonly keyHash: string;
  /** The kind of record, in the words of oidc-provider. */
  readonly model: string;
  /** Sealed. */
  readonly payload: Uint8Array;
  /** One sign-in of one app: all that came of it goes together. */
  readonly grantHash?: string;
  /** What it is found by beside its key: a session's uid, a device's user code, the refresh token that it took the place of. */
  readonly indexHash?: string;
  /** Whose it is, once that is known: `<organization>.<account>`. */
  readonly subject?: string;
  readonly consumedAtMs?: number;
  /** Of the attempt that used it up. */
  readonly attemptHash?: string;
  /** It may be removed from then on, and counts for nothing. */
  readonly expiresAtMs: number;
}

export interface OAuthRecords {
  /** Adds it or takes the place of the one with its key; when that was used up, it stays so. */
  put(record: OAuthRecord): Promise<void>;
  get(keyHash: string): Promise<OAuthRecord | undefined>;
  getByIndex(model: string, indexHash: string): Promise<OAuthRecord | undefined>;
  /** Marks it as used up, in one step; false when it was before, or is gone: of two that ask at once one gets true. */
  consume(keyHash: string, use: { readonly consumedAtMs: number; readonly attemptHash: string | undefined }): Promise<boolean>;
  remove(keyHash: string): Promise<void>;
  removeByGrant(grantHash: string): Promise<void>;
  removeBySubject(subject: string): Promise<void>;
}

export interface Member {
  readonly name: string;
  readonly email: string;
}

export interface Members {
  /** Undefined when there is no such account in the organization, or it was turned off. */
  find(organizationId: string, accountId: string): Promise<Member | undefined>;
  /** Whether the organization lets its people sign in with a code from another device. */
  allowsDeviceSignIn(organizationId: string): Promise<boolean>;
}

/** Who an access token speaks for. */
export interface AccessTokenHolder {
  readonly organizationId: string;
  readonly accountId: string;
  readonly clientId: string;
  readonly expiresAtMs: number;
}
