import { randomBytes } from "node:crypto";
import * as client from "openid-client";
import { BerthError } from "../contract/berth-error.ts";
import { refreshAttemptParameter } from "../contract/native-client.ts";
import { abortable } from "../lib/abortable.ts";
import { type Log, messageOf } from "../lib/log.ts";
import { type ProcessLock, takeProcessLock } from "../lib/process-lock.ts";
import { discoverPlane, planeFailure } from "./plane-client.ts";
import { type StoredSignIn, type TokenStore } from "./token-store.ts";

/** An access token is renewed so long before its end that a request with it still arrives in time. */
const renewAheadMs = 60_000;
/** A refresh in another process takes no longer than its requests may. */
const lockTimeoutMs = 45_000;
const attemptBytes = 32;

/** Who is signed in, without anything that is secret. */
export interface SignedInPerson extends Pick<StoredSignIn, "planeUrl" | "organizationId" | "accountId" | "name"> {
  readonly isPersonalAccessToken: boolean;
}

export interface PlaneSessionOptions {
  readonly store: TokenStore;
  /** A file beside the store; whoever uses the store uses this one. */
  readonly lockPath: string;
  readonly log: Log;
  readonly now: () => number;
}

/**
 * A sign-in to a plane, in use. Any number of processes may have it at once: a refresh token works once, so only one of
 * them refreshes at a time, under a lock of the operating system, and the others use what it has brought (S3).
 */
export class PlaneSession {
  readonly #options: PlaneSessionOptions;
  #refreshing: Promise<string> | undefined;
  #current: Pick<StoredSignIn, "accessToken" | "accessTokenExpiresAtMs"> | undefined;
  /** The token that the plane refused last. */
  #refused: string | undefined;

  constructor(options: PlaneSessionOptions) {
    this.#options = options;
  }

  /** Keeps a new sign-in; an earlier one to the same store is revoked. */
  async begin(signIn: StoredSignIn): Promise<void> {
    await this.#locked(async () => {
      const earlier = await this.#earlier();
      await this.#options.store.save(signIn);
      this.#current = signIn;
      if (earlier !== undefined && earlier !== "unusable") await this.#revoke(earlier);
    });
  }

  /** Who is signed in; undefined when nobody is. Asks nobody. */
  async who(): Promise<SignedInPerson | undefined> {
    const stored = await this.#options.store.load();
    if (stored === undefined) return undefined;
    const { planeUrl, organizationId, accountId, name, refreshToken } = stored;
    return { planeUrl, organizationId, accountId, name, isPersonalAccessToken: refreshToken === "" };
  }

  /**
   * A token for a request to the plane, refreshed when it is due. Fails with `sign-in-required` when the plane ended the
   * sign-in, with `plane-unreachable` when it is away, and with `sign-in-not-usable` when this computer keeps it from being
   * used: the sign-in then stays.
   */
  async accessToken(signal: AbortSignal): Promise<string> {
    if (this.#isFresh(this.#current)) return this.#current.accessToken;
    this.#refreshing ??= this.#renew().finally(() => (this.#refreshing = undefined));
    return abortable(this.#refreshing, signal);
  }

  /** After the plane refused a token before its time, e.g. because it was revoked: the next is a new one. */
  refuse(accessToken: string): void {
    this.#refused = accessToken;
    if (this.#current?.accessToken === accessToken) this.#current = undefined;
  }

  /** Signs out: here at once, and at the plane if it can be reached, which the answer says. */
  async signOut(): Promise<{ readonly revoked: boolean }> {
    return this.#locked(async () => {
      const signIn = await this.#earlier();
      await this.#options.store.clear();
      this.#current = undefined;
      return { revoked: signIn === undefined || (signIn !== "unusable" && (await this.#revoke(signIn))) };
    });
  }

  /** What is kept; when it may not be used here it can be neither revoked nor in the way. */
  async #earlier(): Promise<StoredSignIn | "unusable" | undefined> {
    try {
      return await this.#options.store.load();
    } catch (error) {
      if (error instanceof BerthError && error.code === "sign-in-required") return "unusable";
      throw error;
    }
  }

  #renew(): Promise<string> {
    return this.#locked(async () => {
      const { store } = this.#options;
      const stored = await store.load();
      if (stored === undefined) throw new BerthError("sign-in-required", "nobody is signed in to a plane");
      // Another process may have refreshed meanwhile.
      if (this.#isFresh(stored) && stored.accessToken !== this.#refused) {
        this.#current = stored;
        return stored.accessToken;
      }
      const renewed = await this.#refresh(stored);
      this.#current = renewed;
      return renewed.accessToken;
    });
  }

  async #refresh(stored: StoredSignIn): Promise<StoredSignIn> {
    const { store, log, now } = this.#options;
    if (stored.refreshToken === "") {
      await store.clear();
      throw new BerthError("sign-in-required", "the plane does not take the personal access token any more");
    }
    const configuration = await discoverPlane(new URL(stored.planeUrl));
    // Kept first: if the answer is lost, the same attempt gets another one in place of ending the sign-in.
    const refreshAttempt = stored.refreshAttempt ?? randomBytes(attemptBytes).toString("base64url");
    if (stored.refreshAttempt === undefined) await store.save({ ...stored, refreshAttempt });
    try {
      const tokens = await client.refreshTokenGrant(configuration, stored.refreshToken, { [refreshAttemptParameter]: refreshAttempt });
      const { refreshAttempt: _used, ...rest } = stored;
      const renewed = {
        ...rest,
        refreshToken: tokens.refresh_token ?? stored.refreshToken,
        accessToken: tokens.access_token,
        accessTokenExpiresAtMs: now() + (tokens.expires_in ?? 0) * 1000,
      };
      // Kept before it is used: a crash from here on loses nothing.
      await store.save(renewed);
      return renewed;
    } catch (error) {
      const failure = planeFailure(error, "sign-in-required");
      if (failure.code === "sign-in-required") {
        log.info("the plane ended the sign-in", { plane: stored.planeUrl, detail: failure.detail });
        await store.clear();
        this.#current = undefined;
      }
      throw failure;
    }
  }

  async #revoke({ planeUrl, refreshToken }: StoredSignIn): Promise<boolean> {
    // A personal access token may be in use elsewhere; who made it ends it.
    if (refreshToken === "") return false;
    try {
      await client.tokenRevocation(await discoverPlane(new URL(planeUrl)), refreshToken, { token_type_hint: "refresh_token" });
      return true;
    } catch (error) {
      this.#options.log.warn("the plane could not be told of a sign-out", { plane: planeUrl, error: messageOf(error) });
      return false;
    }
  }

  #isFresh(token: Pick<StoredSignIn, "accessTokenExpiresAtMs"> | undefined): token is NonNullable<typeof token> {
    return token !== undefined && this.#options.now() < token.accessTokenExpiresAtMs - renewAheadMs;
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    const { lockPath } = this.#options;
    const timeout = AbortSignal.timeout(lockTimeoutMs);
    let lock: ProcessLock;
    try {
      lock = await takeProcessLock(lockPath, timeout);
    } catch (error) {
      if (timeout.aborted) throw new BerthError("timeout", "another process keeps the sign-in locked", { cause: error });
      throw new BerthError("sign-in-not-usable", `${lockPath}: ${messageOf(error)}`, { cause: error });
    }
    try {
      return await work();
    } finally {
      lock.release();
    }
  }
}
