import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type BrowserSessionRecord,
  BrowserSessionRecordSchema,
  SignInStateRecordSchema,
} from "../../contract/gen/berth/v1/sign_in_records_pb.js";
import type { Session, Sessions, SignInState, SignInStates } from "../sign-in/ports.ts";
import type { Store, View } from "../store/store.ts";
import { browserSessionKind, signInStateKind } from "./kinds.ts";
import { beyondOrganizations, msOf } from "./record-fields.ts";

/** Sign-ins that were begun, in the plane's store. */
export class StoredSignInStates implements SignInStates {
  readonly #view: View;

  constructor(store: Store) {
    this.#view = store.system("authentication");
  }

  async put({ expiresAtMs, ...state }: SignInState): Promise<void> {
    const message = create(SignInStateRecordSchema, { ...state, expiresAt: timestampFromMs(expiresAtMs) });
    await this.#view.transaction(async (tx) => tx.insert(signInStateKind, state.stateHash, message, beyondOrganizations));
  }

  async take(stateHash: string): Promise<SignInState | undefined> {
    return this.#view.transaction(async (tx) => {
      const stored = await tx.get(signInStateKind, stateHash);
      if (stored === undefined) return undefined;
      tx.delete(signInStateKind, stored);
      const { providerId, browserHash, nonce, codeVerifier, returnPath, expiresAt } = stored.message;
      return { stateHash, providerId, browserHash, nonce, codeVerifier, returnPath, expiresAtMs: msOf(expiresAt) };
    });
  }
}

/** Sessions of browsers, in the plane's store. */
export class StoredSessions implements Sessions {
  readonly #view: View;

  constructor(store: Store) {
    this.#view = store.system("authentication");
  }

  async put({ createdAtMs, lastSeenAtMs, expiresAtMs, ...session }: Session): Promise<void> {
    const message = create(BrowserSessionRecordSchema, {
      ...session,
      createdAt: timestampFromMs(createdAtMs),
      lastSeenAt: timestampFromMs(lastSeenAtMs),
      expiresAt: timestampFromMs(expiresAtMs),
    });
    await this.#view.transaction(async (tx) => tx.insert(browserSessionKind, session.idHash, message));
  }

  async get(idHash: string): Promise<Session | undefined> {
    const stored = await this.#view.get(browserSessionKind, idHash);
    return stored === undefined ? undefined : sessionOf(stored.message);
  }

  async touch(idHash: string, lastSeenAtMs: number): Promise<void> {
    await this.#view.transaction(
      async (tx) => {
        const stored = await tx.get(browserSessionKind, idHash);
        if (stored !== undefined) tx.update(browserSessionKind, stored, { ...stored.message, lastSeenAt: timestampFromMs(lastSeenAtMs) });
      },
      // Lost in a crash, the session only rests a little earlier.
      { isObserved: true },
    );
  }

  async remove(idHash: string): Promise<void> {
    await this.#view.transaction(async (tx) => {
      const stored = await tx.get(browserSessionKind, idHash);
      if (stored !== undefined) tx.delete(browserSessionKind, stored);
    });
  }

  async removeAllOf(accountId: string, organizationId: string): Promise<void> {
    await this.#view.transaction(async (tx) => {
      for (const stored of await tx.all(browserSessionKind, { where: { creatorIds: [accountId] } }))
        if (stored.organizationId === organizationId) tx.delete(browserSessionKind, stored);
    });
  }
}

function sessionOf({ idHash, accountId, organizationId, providerId, createdAt, lastSeenAt, expiresAt }: BrowserSessionRecord): Session {
  const times = { createdAtMs: msOf(createdAt), lastSeenAtMs: msOf(lastSeenAt), expiresAtMs: msOf(expiresAt) };
  return { idHash, accountId, organizationId, providerId, ...times };
}
