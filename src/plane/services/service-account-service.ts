import { create } from "@bufbuild/protobuf";
import { durationMs, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { AccessTokenRecordSchema } from "../../contract/gen/berth/v1/records_pb.js";
import {
  ServiceAccountSchema,
  type ServiceAccountService,
  type ServiceAccountToken,
  ServiceAccountTokenSchema,
} from "../../contract/gen/gitpod/v1/service_account_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import { newToken } from "../access-tokens.ts";
import { type Caller, subjectOf } from "../caller.ts";
import { deleteAccess, deleteCredentials, type TellTokensGone } from "../credentials-of.ts";
import type { ScopeOf } from "../request-scope.ts";
import { accessTokenKind, serviceAccountKind } from "../store/identity-kinds.ts";
import type { Reader, Stored, Transaction, Where } from "../store/store.ts";
import { found } from "./found.ts";

/** How long a token is good that a person makes to act as the service account, e.g. to make its own tokens. */
const accessTokenValidMs = 60 * 60_000;
/** How long a token is good for which no time was given. */
const defaultTokenValidMs = 90 * 24 * 60 * 60_000;

interface Dependencies {
  readonly scopeOf: ScopeOf;
  readonly now: () => number;
  readonly tellTokensGone: TellTokensGone;
}

/** gitpod.v1.ServiceAccountService: programs in an organization. Their tokens are theirs to make and end. */
export function serviceAccountService(dependencies: Dependencies): Partial<ServiceImpl<typeof ServiceAccountService>> {
  return { ...accounts(dependencies), ...tokens(dependencies) };
}

function accounts({ scopeOf, now, tellTokensGone }: Dependencies): Partial<ServiceImpl<typeof ServiceAccountService>> {
  return {
    createServiceAccount: async ({ name, description, validUntil }, context) => {
      const scope = scopeOf(context);
      const nowMs = now();
      if (validUntil === undefined || timestampMs(validUntil) <= nowMs)
        throw new BerthError("request-invalid", "valid_until: has to be later");
      const serviceAccount = create(ServiceAccountSchema, {
        id: uuidV7(nowMs),
        organizationId: scope.store.organizationId,
        name,
        description,
        creator: subjectOf(scope.caller),
        createdAt: timestampFromMs(nowMs),
        validUntil,
      });
      await scope.store.transaction(async (tx) => tx.insert(serviceAccountKind, serviceAccount.id, serviceAccount));
      return { serviceAccount };
    },
    listServiceAccounts: async ({ pagination, filter }, context) => {
      const where: Where = {
        ...(filter?.includeSuspended === true ? {} : { phases: [0] }),
        ...(filter === undefined || filter.serviceAccountIds.length === 0 ? {} : { ids: filter.serviceAccountIds }),
        ...(filter === undefined || filter.search === "" ? {} : { search: filter.search }),
      };
      const { items, nextToken } = await scopeOf(context).store.list(serviceAccountKind, pagination, { where });
      return { serviceAccounts: items.map(({ message }) => message), pagination: { nextToken } };
    },
    getServiceAccount: async ({ serviceAccountId }, context) => ({
      serviceAccount: (await accountOf(scopeOf(context).store, serviceAccountId)).message,
    }),
    updateServiceAccount: async ({ serviceAccountId, name, description }, context) => {
      const scope = scopeOf(context);
      return scope.store.transaction(async (tx) => {
        const stored = await accountOf(tx, serviceAccountId);
        const given = { ...(name === undefined ? {} : { name }), ...(description === undefined ? {} : { description }) };
        const serviceAccount = create(ServiceAccountSchema, { ...stored.message, ...given });
        tx.update(serviceAccountKind, stored, serviceAccount);
        return { serviceAccount };
      });
    },
    deleteServiceAccount: async ({ serviceAccountId }, context) => {
      const scope = scopeOf(context);
      const hostTokens = await scope.store.transaction(async (tx) => {
        const stored = await accountOf(tx, serviceAccountId);
        await deleteAccess(tx, stored.id);
        const hostTokens = await deleteCredentials(tx, stored.id);
        tx.delete(serviceAccountKind, stored);
        return hostTokens;
      });
      await tellTokensGone(hostTokens);
      return {};
    },
  };
}

function tokens({ scopeOf, now }: Dependencies): Partial<ServiceImpl<typeof ServiceAccountService>> {
  const insertToken = (
    tx: Transaction,
    caller: Caller,
    options: { readonly accountId: string; readonly description: string; readonly validMs: number },
  ): { token: string; serviceAccountToken: ServiceAccountToken } => {
    const { token, hash } = newToken("serviceAccount");
    const nowMs = now();
    const serviceAccountToken = create(ServiceAccountTokenSchema, {
      id: uuidV7(nowMs),
      serviceAccountId: options.accountId,
      description: options.description,
      creator: subjectOf(caller),
      createdAt: timestampFromMs(nowMs),
      expiresAt: timestampFromMs(nowMs + options.validMs),
    });
    const record = create(AccessTokenRecordSchema, { hash, token: { case: "serviceAccount", value: serviceAccountToken } });
    tx.insert(accessTokenKind, serviceAccountToken.id, record);
    return { token, serviceAccountToken };
  };
  return {
    createServiceAccountAccessToken: async ({ serviceAccountId }, context) => {
      const scope = scopeOf(context);
      return scope.store.transaction(async (tx) => {
        const { id: accountId } = await accountOf(tx, serviceAccountId);
        const { token } = insertToken(tx, scope.caller, { accountId, description: "Access token", validMs: accessTokenValidMs });
        return { token };
      });
    },
    createServiceAccountToken: async ({ description, validFor }, context) => {
      const { caller, store } = scopeOf(context);
      const accountId = caller.id;
      const validMs = validFor === undefined || durationMs(validFor) === 0 ? defaultTokenValidMs : durationMs(validFor);
      return store.transaction(async (tx) => insertToken(tx, caller, { accountId, description, validMs }));
    },
    listServiceAccountTokens: async ({ pagination }, context) => {
      const { caller, store } = scopeOf(context);
      const where = { parentIds: [caller.id] };
      const { items, nextToken } = await store.list(accessTokenKind, pagination, { where });
      return { tokens: items.flatMap(({ message }) => tokenMessage(message.token) ?? []), pagination: { nextToken } };
    },
    getServiceAccountToken: async ({ serviceAccountTokenId }, context) => {
      const { store } = scopeOf(context);
      const { message } = await tokenOf(store, serviceAccountTokenId);
      return { token: tokenMessage(message.token) ?? create(ServiceAccountTokenSchema) };
    },
    deleteServiceAccountToken: async ({ serviceAccountTokenId }, context) => {
      const { store } = scopeOf(context);
      await store.transaction(async (tx) => tx.delete(accessTokenKind, await tokenOf(tx, serviceAccountTokenId)));
      return {};
    },
  };
}

async function accountOf(reader: Reader, id: string): Promise<Stored<typeof ServiceAccountSchema>> {
  return found(reader, serviceAccountKind, id, "service account");
}

function tokenMessage(token: Stored<typeof AccessTokenRecordSchema>["message"]["token"]): ServiceAccountToken | undefined {
  return token.case === "serviceAccount" ? token.value : undefined;
}

async function tokenOf(reader: Reader, id: string): Promise<Stored<typeof AccessTokenRecordSchema>> {
  return found(reader, accessTokenKind, id, "service account token");
}
