import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { createHash, randomBytes } from "node:crypto";
import { type AccessTokenRecord, AccessTokenRecordSchema } from "../contract/gen/berth/v1/records_pb.js";
import { Principal } from "../contract/gen/gitpod/v1/identity_pb.js";
import { OrganizationRole } from "../contract/gen/gitpod/v1/organization_pb.js";
import { UserStatus } from "../contract/gen/gitpod/v1/user_pb.js";
import { type Log, messageOf } from "../lib/log.ts";
import type { Authenticate, Caller } from "./caller.ts";
import { accessTokenKind, memberKind, serviceAccountKind } from "./store/identity-kinds.ts";
import type { Store, Stored, View } from "./store/store.ts";

/** 256 bits: a hash of it needs no salt and no slow function, for nobody can guess it. */
const tokenBytes = 32;
/** What it was last used is written down no more often than this. */
const lastUsedStepMs = 60 * 60_000;
/** Begins each token, so that scanners of source code can find one that was left there. */
const prefixes = { personal: "berth_pat_", serviceAccount: "berth_sat_" } as const;
const bearerPattern = /^Bearer +(berth_(?:pat|sat)_[A-Za-z0-9_-]{43})$/i;

/** A new token and what the database keeps of it. */
export function newToken(kind: keyof typeof prefixes): { readonly token: string; readonly hash: string } {
  const token = `${prefixes[kind]}${randomBytes(tokenBytes).toString("base64url")}`;
  return { token, hash: hashOf(token) };
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/** Finds out who calls by a personal access token or that of a service account, sent as `Authorization: Bearer`. */
export function tokenAuthentication({
  store,
  now,
  log,
}: {
  readonly store: Store;
  readonly now: () => number;
  readonly log: Log;
}): Authenticate {
  const system = store.system("authentication");
  return async (headers) => {
    const [, token] = bearerPattern.exec(headers.get("authorization") ?? "") ?? [];
    if (token === undefined) return undefined;
    const found = await system.find(accessTokenKind, { lookupKey: hashOf(token) });
    if (found === undefined || isOver(found.message.token.value?.expiresAt, now())) return undefined;
    const caller = await callerBehind(system, found, now());
    if (caller === undefined) return undefined;
    try {
      await noteUse(system, found, now());
    } catch (error) {
      // The call may well do without the database's being written.
      log.warn("a token's last use was not noted", { reason: messageOf(error) });
    }
    return caller;
  };
}

async function callerBehind(
  system: View,
  { organizationId, message }: Stored<typeof AccessTokenRecordSchema>,
  nowMs: number,
): Promise<Caller | undefined> {
  const { token } = message;
  if (token.case === "personal") {
    const member = await system.get(memberKind, token.value.userId);
    if (member?.organizationId !== organizationId || member.message.user?.status !== UserStatus.ACTIVE) return undefined;
    const { accountId } = member.message;
    const isAdministrator = member.message.role === OrganizationRole.ADMIN;
    return { principal: Principal.USER, id: member.id, organizationId, accountId, isAdministrator, isReadOnly: token.value.readOnly };
  }
  const account = await system.get(serviceAccountKind, token.value?.serviceAccountId ?? "");
  if (account?.organizationId !== organizationId || account.message.suspended || isOver(account.message.validUntil, nowMs))
    return undefined;
  const { id } = account;
  return { principal: Principal.SERVICE_ACCOUNT, id, organizationId, accountId: "", isAdministrator: false, isReadOnly: false };
}

function isOver(end: Parameters<typeof timestampMs>[0] | undefined, nowMs: number): boolean {
  return end !== undefined && timestampMs(end) <= nowMs;
}

async function noteUse(system: View, { id, message }: Stored<typeof AccessTokenRecordSchema>, nowMs: number): Promise<void> {
  const { lastUsed } = message.token.value ?? {};
  if (lastUsed !== undefined && nowMs - timestampMs(lastUsed) < lastUsedStepMs) return;
  await system.transaction(
    async (tx) => {
      const stored = await tx.get(accessTokenKind, id);
      if (stored !== undefined) tx.update(accessTokenKind, stored, usedAt(stored.message, nowMs));
    },
    { isObserved: true },
  );
}

function usedAt({ hash, token }: AccessTokenRecord, nowMs: number): AccessTokenRecord {
  const lastUsed = timestampFromMs(nowMs);
  switch (token.case) {
    case "personal":
      return create(AccessTokenRecordSchema, { hash, token: { case: "personal", value: { ...token.value, lastUsed } } });
    case "serviceAccount":
      return create(AccessTokenRecordSchema, { hash, token: { case: "serviceAccount", value: { ...token.value, lastUsed } } });
    case undefined:
      return create(AccessTokenRecordSchema, { hash });
  }
}
