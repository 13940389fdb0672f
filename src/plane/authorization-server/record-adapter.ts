import Provider, { type Adapter, type AdapterPayload, errors } from "oidc-provider";
import { z } from "zod";
import { refreshAttemptParameter } from "../../contract/native-client.ts";
import { type Sealing } from "../signing-keys/signing-keys.ts";
import { authorizationKind } from "../sign-in-store/kinds.ts";
import { sealedOwner } from "../store/renew-sealed.ts";
import { hashOf } from "../sign-in/secret.ts";
import type { SignInEvents } from "../sign-in/ports.ts";
import { type OAuthRecord, type OAuthRecords } from "./ports.ts";
import { parseSubject } from "./subject.ts";

/** Records without an end of their own, which are few, go after this. */
const defaultLifetimeS = 24 * 60 * 60;
/** So long a refresh whose answer was lost may be repeated. */
const retryWindowMs = 2 * 60_000;
/** Of the request that is being answered, the part in use. */
const bodySchema = z.object({ [refreshAttemptParameter]: z.string().min(32).max(256) });

export interface RecordAdapterNeeds {
  readonly records: OAuthRecords;
  readonly sealing: Sealing;
  readonly events: SignInEvents;
  readonly now: () => number;
}

/**
 * oidc-provider's records of one kind in the plane's store: found by hashes, sealed, and used up in one step.
 *
 * A refresh token that is used twice ends the whole sign-in, with one exception: an app whose answer was lost may ask
 * again within two minutes, if it knows the secret of its first attempt and what that attempt brought was never used.
 */
export class RecordAdapter implements Adapter {
  readonly #model: string;
  readonly #needs: RecordAdapterNeeds;

  constructor(model: string, needs: RecordAdapterNeeds) {
    this.#model = model;
    this.#needs = needs;
  }

  async upsert(id: string, payload: AdapterPayload, expiresInS: number = defaultLifetimeS): Promise<void> {
    const { records, sealing, now } = this.#needs;
    const keyHash = this.#key(id);
    const grantId = this.#model === "Grant" ? id : payload.grantId;
    const indexHash = this.#indexHash(payload);
    await records.put({
      keyHash,
      model: this.#model,
      payload: sealing.seal(JSON.stringify(payload), belongsTo(keyHash)),
      ...(grantId === undefined ? {} : { grantHash: hashOf(grantId) }),
      ...(indexHash === undefined ? {} : { indexHash }),
      ...(payload.accountId === undefined ? {} : { subject: payload.accountId }),
      expiresAtMs: now() + expiresInS * 1000,
    });
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    return this.#open(await this.#needs.records.get(this.#key(id)));
  }

  findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.#findByIndex(uid);
  }

  findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    return this.#findByIndex(userCode);
  }

  /** Uses it up. When it was before, the whole sign-in that it came of ends: one of the two holders is a thief. */
  async consume(id: string): Promise<void> {
    const { records, now } = this.#needs;
    const keyHash = this.#key(id);
    const attempt = attemptNow();
    const attemptHash = attempt === undefined ? undefined : hashOf(attempt);
    if (await records.consume(keyHash, { consumedAtMs: now(), attemptHash })) return;
    const record = await records.get(keyHash);
    if (record !== undefined && this.#isRetry(record)) {
      const brought = await records.getByIndex(this.#model, keyHash);
      if (brought === undefined) return;
      // Used up already: then somebody did get the answer.
      if (brought.consumedAtMs === undefined) return records.remove(brought.keyHash);
    }
    if (record?.grantHash !== undefined) await records.removeByGrant(record.grantHash);
    this.#tellReuse(record);
    throw new errors.InvalidGrant("it was used before");
  }

  destroy(id: string): Promise<void> {
    return this.#needs.records.remove(this.#key(id));
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#needs.records.removeByGrant(hashOf(grantId));
  }

  async #findByIndex(value: string): Promise<AdapterPayload | undefined> {
    return this.#open(await this.#needs.records.getByIndex(this.#model, hashOf(value)));
  }

  #open(record: OAuthRecord | undefined): AdapterPayload | undefined {
    const { sealing, now } = this.#needs;
    if (record === undefined || record.expiresAtMs <= now()) return undefined;
    // What was sealed for this very key is a payload that oidc-provider once gave.
    const payload: AdapterPayload = JSON.parse(sealing.open(record.payload, belongsTo(record.keyHash)));
    if (record.consumedAtMs === undefined || this.#isRetry(record)) return payload;
    // oidc-provider ends the sign-in when it sees this.
    this.#tellReuse(record);
    return { ...payload, consumed: Math.floor(record.consumedAtMs / 1000) };
  }

  #tellReuse(record: OAuthRecord | undefined): void {
    const subject = parseSubject(record?.subject);
    if (subject !== undefined) this.#needs.events.reuseDetected({ ...subject, model: this.#model });
  }

  #isRetry({ consumedAtMs, attemptHash }: OAuthRecord): boolean {
    const attempt = attemptNow();
    if (this.#model !== "RefreshToken" || attempt === undefined || consumedAtMs === undefined) return false;
    return hashOf(attempt) === attemptHash && this.#needs.now() - consumedAtMs < retryWindowMs;
  }

  #indexHash({ uid, userCode }: AdapterPayload): string | undefined {
    if (this.#model === "RefreshToken") {
      const parent = Provider.ctx?.oidc.entities.RotatedRefreshToken;
      return parent === undefined ? undefined : this.#key(parent.jti);
    }
    const value = uid ?? userCode;
    return value === undefined ? undefined : hashOf(value);
  }

  #key(id: string): string {
    return hashOf(`${this.#model}:${id}`);
  }
}

/** The attempt's secret of the request that is being answered. */
function attemptNow(): string | undefined {
  const body = bodySchema.safeParse(Provider.ctx?.oidc.body);
  return body.success ? body.data[refreshAttemptParameter] : undefined;
}

/** As the store binds what stands beside a record, so that it can be put under a new key. */
function belongsTo(keyHash: string): string {
  return sealedOwner(authorizationKind.name, keyHash);
}
