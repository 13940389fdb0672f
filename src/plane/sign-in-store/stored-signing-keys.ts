import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { BerthError } from "../../contract/berth-error.ts";
import { SigningKeyRecordSchema } from "../../contract/gen/berth/v1/sign_in_records_pb.js";
import type { SigningKeyRecord, SigningKeyStore } from "../signing-keys/signing-keys.ts";
import type { Store, View } from "../store/store.ts";
import { signingKeyKind } from "./kinds.ts";
import { beyondOrganizations, msOf } from "./record-fields.ts";

/** Signing keys, in the plane's store. */
export class StoredSigningKeys implements SigningKeyStore {
  readonly #view: View;

  constructor(store: Store) {
    this.#view = store.system("installation");
  }

  async list(purpose: string): Promise<readonly SigningKeyRecord[]> {
    const stored = await this.#view.all(signingKeyKind, { where: { parentIds: [purpose] } });
    const records = stored.map(async ({ message: { kid, publicJwk, createdAt } }) => {
      const sealedPrivateJwk = await this.#view.sealed(signingKeyKind, kid);
      return sealedPrivateJwk === undefined ? [] : [{ kid, purpose, publicJwk, sealedPrivateJwk, createdAtMs: msOf(createdAt) }];
    });
    return (await Promise.all(records)).flat();
  }

  async add({ kid, purpose, publicJwk, sealedPrivateJwk, createdAtMs }: SigningKeyRecord, newestKid: string | undefined): Promise<boolean> {
    const fields = { kid, purpose, publicJwk, createdAt: timestampFromMs(createdAtMs) };
    const message = create(SigningKeyRecordSchema, { ...fields, followsKid: newestKid ?? "" });
    try {
      await this.#view.transaction(async (tx) =>
        tx.insert(signingKeyKind, kid, message, { ...beyondOrganizations, sealed: sealedPrivateJwk }),
      );
      return true;
    } catch (error) {
      if (error instanceof BerthError && error.code === "resource-exists") return false;
      throw error;
    }
  }

  async remove(kid: string): Promise<void> {
    await this.#view.transaction(async (tx) => {
      const stored = await tx.get(signingKeyKind, kid);
      if (stored !== undefined) tx.delete(signingKeyKind, stored);
    });
  }
}
