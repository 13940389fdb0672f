import { type CryptoKey, type JWK, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from "jose";
import { z } from "zod";
import { signingKeyKind } from "../sign-in-store/kinds.ts";
import { sealedOwner } from "../store/renew-sealed.ts";

/** RS256, because every cloud takes it. */
export const signingAlgorithm = "RS256";
const modulusLength = 2048;
/** How long a key signs. */
const rotateEveryMs = 30 * 24 * 60 * 60_000;
/** A new key is published so long before it signs; whoever keeps the set of keys that long or less knows it in time. */
const publishAheadMs = 60 * 60_000;
/** The longest life of a token that these keys sign. */
export const maxTokenLifetimeMs = 60 * 60_000;
/** Clocks of those who check tokens may be behind. */
const clockToleranceMs = 10 * 60_000;
/** How old a process' own view of the store may be. */
const viewMs = 60_000;
const maxAddAttempts = 5;

export interface SigningKeyRecord {
  readonly kid: string;
  /** Keys of one purpose sign nothing of another. */
  readonly purpose: string;
  readonly publicJwk: string;
  /** The private JWK, sealed. */
  readonly sealedPrivateJwk: Uint8Array;
  readonly createdAtMs: number;
}

export interface SigningKeyStore {
  list(purpose: string): Promise<readonly SigningKeyRecord[]>;
  /** Adds it, unless a key other than `newestKid` is the newest by now: of two processes that rotate at once one does. */
  add(record: SigningKeyRecord, newestKid: string | undefined): Promise<boolean>;
  remove(kid: string): Promise<void>;
}

/** The part of the plane's Sealer in use. */
export interface Sealing {
  seal(value: string, belongsTo: string): Uint8Array;
  open(sealed: Uint8Array, belongsTo: string): string;
}

interface KeyRoles<T> {
  readonly signing: T | undefined;
  /** Public, the newest first: whose tokens may still be valid, and the next to sign. */
  readonly published: readonly T[];
  readonly ended: readonly T[];
  readonly isNewOneDue: boolean;
}

/** What each key is for at a moment; a pure function of when they were made. */
function keyRoles<T extends { readonly createdAtMs: number }>(keys: readonly T[], nowMs: number): KeyRoles<T> {
  const byAge = keys.toSorted((left, right) => left.createdAtMs - right.createdAtMs);
  // The first has nobody to wait for.
  const signsFromMs = byAge.map(({ createdAtMs }, index) => createdAtMs + (index === 0 ? 0 : publishAheadMs));
  const signsUntilMs = byAge.map((_key, index) => signsFromMs[index + 1] ?? Infinity);
  const isEnded = (index: number) => nowMs >= (signsUntilMs[index] ?? Infinity) + maxTokenLifetimeMs + clockToleranceMs;
  const newest = byAge.at(-1);
  return {
    signing: byAge.findLast((_key, index) => nowMs >= (signsFromMs[index] ?? Infinity)) ?? byAge[0],
    published: byAge.filter((_key, index) => !isEnded(index)).toReversed(),
    ended: byAge.filter((_key, index) => isEnded(index)),
    isNewOneDue: newest === undefined || nowMs >= newest.createdAtMs + rotateEveryMs,
  };
}

const jwkSchema = z.object({ kty: z.literal("RSA"), n: z.string(), e: z.string() }).and(z.record(z.string(), z.string()));

/** The keys of one purpose: made, published ahead, used, kept until their tokens have ended, and removed. */
export class SigningKeys {
  readonly #store: SigningKeyStore;
  readonly #sealing: Sealing;
  readonly #purpose: string;
  readonly #now: () => number;
  #view: { readonly atMs: number; readonly keys: Promise<readonly SigningKeyRecord[]> } | undefined;

  constructor(store: SigningKeyStore, sealing: Sealing, purpose: string, now: () => number) {
    this.#store = store;
    this.#sealing = sealing;
    this.#purpose = purpose;
    this.#now = now;
  }

  /** The key that signs now. */
  async signing(): Promise<{ readonly kid: string; readonly key: CryptoKey | Uint8Array }> {
    const record = await this.#signingRecord();
    return { kid: record.kid, key: await importJWK(this.#privateJwk(record), signingAlgorithm) };
  }

  /** What whoever checks tokens has to know (RFC 7517). */
  async publicJwks(): Promise<{ readonly keys: readonly JWK[] }> {
    const { published } = keyRoles(await this.#keys(), this.#now());
    return { keys: published.map((record) => jwkSchema.parse(JSON.parse(record.publicJwk))) };
  }

  /** The names of the keys, the one that signs first; they are other ones when something has changed. */
  async kids(): Promise<readonly string[]> {
    return (await this.#signingFirst()).map(({ kid }) => kid);
  }

  /** For a signer of its own: private keys, the one that signs first. */
  async privateJwks(): Promise<readonly (JWK & { readonly kid: string })[]> {
    return (await this.#signingFirst()).map((record) => ({ ...this.#privateJwk(record), kid: record.kid }));
  }

  async #signingFirst(): Promise<readonly SigningKeyRecord[]> {
    const signing = await this.#signingRecord();
    const { published } = keyRoles(await this.#keys(), this.#now());
    return [signing, ...published.filter(({ kid }) => kid !== signing.kid)];
  }

  async #signingRecord(): Promise<SigningKeyRecord> {
    const { signing } = keyRoles(await this.#keys(), this.#now());
    if (signing === undefined) throw new Error(`no signing key for ${this.#purpose}`);
    return signing;
  }

  #keys(): Promise<readonly SigningKeyRecord[]> {
    const nowMs = this.#now();
    if (this.#view === undefined || nowMs - this.#view.atMs >= viewMs) {
      const keys = this.#renew(nowMs);
      this.#view = { atMs: nowMs, keys };
      // A store that fails is asked again at the next call.
      keys.catch(() => (this.#view = undefined));
    }
    return this.#view.keys;
  }

  async #renew(nowMs: number): Promise<readonly SigningKeyRecord[]> {
    for (let attempt = 0; attempt < maxAddAttempts; attempt++) {
      const keys = await this.#store.list(this.#purpose);
      const { ended, isNewOneDue } = keyRoles(keys, nowMs);
      for (const { kid } of ended) await this.#store.remove(kid);
      if (!isNewOneDue) return keys.filter((key) => !ended.includes(key));
      const newest = keys.toSorted((left, right) => left.createdAtMs - right.createdAtMs).at(-1);
      await this.#store.add(await this.#make(nowMs), newest?.kid);
    }
    throw new Error(`no signing key for ${this.#purpose} could be added`);
  }

  async #make(nowMs: number): Promise<SigningKeyRecord> {
    const { privateKey, publicKey } = await generateKeyPair(signingAlgorithm, { modulusLength, extractable: true });
    const publicPart = await exportJWK(publicKey);
    const kid = await calculateJwkThumbprint(publicPart);
    const publicJwk = JSON.stringify({ ...publicPart, kid, alg: signingAlgorithm, use: "sig" });
    const privateJwk = JSON.stringify({ ...(await exportJWK(privateKey)), kid, alg: signingAlgorithm, use: "sig" });
    const sealedPrivateJwk = this.#sealing.seal(privateJwk, belongsTo(kid));
    return { kid, purpose: this.#purpose, publicJwk, sealedPrivateJwk, createdAtMs: nowMs };
  }

  #privateJwk({ kid, sealedPrivateJwk }: SigningKeyRecord) {
    return jwkSchema.parse(JSON.parse(this.#sealing.open(sealedPrivateJwk, belongsTo(kid))));
  }
}

/** As the store binds what stands beside a record, so that it can be put under a new key. */
function belongsTo(kid: string): string {
  return sealedOwner(signingKeyKind.name, kid);
}
