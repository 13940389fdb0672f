import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type AuthorizationRecord, AuthorizationRecordSchema } from "../../contract/gen/berth/v1/sign_in_records_pb.js";
import type { OAuthRecord, OAuthRecords } from "../authorization-server/ports.ts";
import type { Store, View, Where } from "../store/store.ts";
import { authorizationKind } from "./kinds.ts";
import { beyondOrganizations, msOf } from "./record-fields.ts";

/** What the authorization server keeps, in the plane's store. */
export class StoredAuthorizations implements OAuthRecords {
  readonly #view: View;

  constructor(store: Store) {
    this.#view = store.system("authentication");
  }

  async put({ payload: sealed, ...record }: OAuthRecord): Promise<void> {
    await this.#view.transaction(async (tx) => {
      const stored = await tx.get(authorizationKind, record.keyHash);
      if (stored === undefined) tx.insert(authorizationKind, record.keyHash, messageOf(record), { ...beyondOrganizations, sealed });
      else {
        const { consumedAt, attemptHash } = stored.message;
        const use = consumedAt === undefined ? {} : { consumedAt, attemptHash };
        tx.update(authorizationKind, stored, { ...messageOf(record), ...use }, { sealed });
      }
    });
  }

  async get(keyHash: string): Promise<OAuthRecord | undefined> {
    const stored = await this.#view.get(authorizationKind, keyHash);
    return stored === undefined ? undefined : this.#record(stored.message);
  }

  async getByIndex(model: string, indexHash: string): Promise<OAuthRecord | undefined> {
    const found = await this.#view.all(authorizationKind, { where: { labels: [indexHash] } });
    const stored = found.find(({ message }) => message.model === model);
    return stored === undefined ? undefined : this.#record(stored.message);
  }

  async consume(keyHash: string, { consumedAtMs, attemptHash = "" }: Parameters<OAuthRecords["consume"]>[1]): Promise<boolean> {
    return this.#view.transaction(async (tx) => {
      const stored = await tx.get(authorizationKind, keyHash);
      if (stored === undefined || stored.message.consumedAt !== undefined) return false;
      tx.update(authorizationKind, stored, { ...stored.message, consumedAt: timestampFromMs(consumedAtMs), attemptHash });
      return true;
    });
  }

  async remove(keyHash: string): Promise<void> {
    await this.#removeWhere({ ids: [keyHash] });
  }

  async removeByGrant(grantHash: string): Promise<void> {
    await this.#removeWhere({ parentIds: [grantHash] });
  }

  async removeBySubject(subject: string): Promise<void> {
    await this.#removeWhere({ creatorIds: [subject] });
  }

  async #record(message: AuthorizationRecord): Promise<OAuthRecord | undefined> {
    const { keyHash, model, grantHash, indexHash, subject, attemptHash, consumedAt, expiresAt } = message;
    const payload = await this.#view.sealed(authorizationKind, keyHash);
    // It was removed between the two reads.
    if (payload === undefined) return undefined;
    return {
      keyHash,
      model,
      payload,
      ...(grantHash === "" ? {} : { grantHash }),
      ...(indexHash === "" ? {} : { indexHash }),
      ...(subject === "" ? {} : { subject }),
      ...(attemptHash === "" ? {} : { attemptHash }),
      ...(consumedAt === undefined ? {} : { consumedAtMs: msOf(consumedAt) }),
      expiresAtMs: msOf(expiresAt),
    };
  }

  async #removeWhere(where: Where): Promise<void> {
    await this.#view.transaction(async (tx) => {
      for (const stored of await tx.all(authorizationKind, { where })) tx.delete(authorizationKind, stored);
    });
  }
}

function messageOf({ consumedAtMs, expiresAtMs, ...record }: Omit<OAuthRecord, "payload">): AuthorizationRecord {
  return create(AuthorizationRecordSchema, {
    ...record,
    expiresAt: timestampFromMs(expiresAtMs),
    ...(consumedAtMs === undefined ? {} : { consumedAt: timestampFromMs(consumedAtMs) }),
  });
}
