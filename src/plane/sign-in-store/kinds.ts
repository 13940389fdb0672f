import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  AuthorizationRecordSchema,
  BrowserSessionRecordSchema,
  SigningKeyRecordSchema,
  SignInStateRecordSchema,
  VoucherRecordSchema,
} from "../../contract/gen/berth/v1/sign_in_records_pb.js";
import { type Columns, defineKind } from "../store/kind.ts";

export const signInStateKind = defineKind({
  name: "sign-in-state",
  schema: SignInStateRecordSchema,
  columns: ({ expiresAt }) => expiry(expiresAt),
});

export const browserSessionKind = defineKind({
  name: "browser-session",
  schema: BrowserSessionRecordSchema,
  columns: ({ organizationId, accountId, expiresAt }) => ({ organizationId, creatorId: accountId, ...expiry(expiresAt) }),
});

/** Its label is what it is found by beside its id, its parent is the sign-in of the app that it came of. */
export const authorizationKind = defineKind({
  name: "authorization",
  schema: AuthorizationRecordSchema,
  columns: ({ subject, grantHash, indexHash, expiresAt }) => ({
    creatorId: subject,
    parentId: grantHash,
    label: indexHash,
    ...expiry(expiresAt),
  }),
});

export const voucherKind = defineKind({
  name: "voucher",
  schema: VoucherRecordSchema,
  columns: ({ organizationId, accountId, expiresAt }) => ({ organizationId, creatorId: accountId, ...expiry(expiresAt) }),
});

export function voucherId(organizationId: string, accountId: string): string {
  return `${organizationId}/${accountId}`;
}

export const signingKeyKind = defineKind({
  name: "signing-key",
  schema: SigningKeyRecordSchema,
  // Of two processes that make a follower of the same key at once, one has this key.
  columns: ({ purpose, followsKid }) => ({ parentId: purpose, lookupKey: `${purpose}/${followsKid}` }),
});

function expiry(time: Timestamp | undefined): Columns {
  return time === undefined ? {} : { expiresAtMs: timestampMs(time) };
}
