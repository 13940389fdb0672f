import { create } from "@bufbuild/protobuf";
import { durationMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { AccessTokenRecordSchema, MemberRecordSchema, UserPreferenceRecordSchema } from "../../contract/gen/berth/v1/records_pb.js";
import {
  DotfilesConfigurationSchema,
  type PersonalAccessToken,
  PersonalAccessTokenSchema,
  type User,
  UserPreferenceSchema,
  type UserService,
  UserStatus,
} from "../../contract/gen/gitpod/v1/user_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import { newToken } from "../access-tokens.ts";
import { subjectOf } from "../caller.ts";
import type { TellTokensGone } from "../credentials-of.ts";
import { deleteMember, keepAnAdministrator } from "../membership.ts";
import type { ScopeOf } from "../request-scope.ts";
import { accessTokenKind, dotfilesKind, memberKind, preferenceKind } from "../store/identity-kinds.ts";
import type { Reader, Stored } from "../store/store.ts";
import { found } from "./found.ts";
import type { EndSignIns } from "./organization-dependencies.ts";

/** How long a token is good for which no time was given. */
const defaultTokenValidMs = 30 * 24 * 60 * 60_000;
/** One person's; enough for every program they use. */
const maxTokensPerUser = 100;
const maxPreferencesPerUser = 500;

interface Dependencies {
  readonly scopeOf: ScopeOf;
  readonly now: () => number;
  readonly endSignIns: EndSignIns;
  readonly tellTokensGone: TellTokensGone;
}

/** gitpod.v1.UserService: people in their organizations, their tokens, preferences and dotfiles. */
export function userService(dependencies: Dependencies): Partial<ServiceImpl<typeof UserService>> {
  return { ...people(dependencies), ...tokens(dependencies), ...preferences(dependencies), ...dotfiles(dependencies) };
}

function people({ scopeOf, endSignIns, tellTokensGone }: Dependencies): Partial<ServiceImpl<typeof UserService>> {
  return {
    getAuthenticatedUser: async (_request, context) => {
      const { caller, store } = scopeOf(context);
      return { user: await userOf(store, caller.id) };
    },
    getUser: async ({ userId }, context) => ({ user: await userOf(scopeOf(context).store, userId) }),
    setSuspended: async ({ userId, suspended }, context) => {
      const scope = scopeOf(context);
      if (userId === scope.caller.id) throw new BerthError("request-invalid", "user_id: nobody suspends themselves");
      const { accountId } = await scope.store.transaction(async (tx) => {
        const stored = await found(tx, memberKind, userId, "user");
        if (suspended) await keepAnAdministrator(tx, stored.id);
        const { user } = stored.message;
        if (user === undefined || user.status === UserStatus.LEFT) throw new BerthError("resource-not-found", `there is no user ${userId}`);
        const status = suspended ? UserStatus.SUSPENDED : UserStatus.ACTIVE;
        tx.update(memberKind, stored, create(MemberRecordSchema, { ...stored.message, user: { ...user, status } }));
        return stored.message;
      });
      if (suspended) await endSignIns({ organizationId: scope.store.organizationId, accountId });
      return {};
    },
    deleteUser: async ({ userId }, context) => {
      const scope = scopeOf(context);
      const { accountId, hostTokens } = await scope.store.transaction(async (tx) => {
        const stored = await found(tx, memberKind, userId, "user");
        return { accountId: stored.message.accountId, hostTokens: await deleteMember(tx, stored) };
      });
      await tellTokensGone(hostTokens);
      await endSignIns({ organizationId: scope.store.organizationId, accountId });
      return {};
    },
  };
}

function tokens({ scopeOf, now }: Dependencies): Partial<ServiceImpl<typeof UserService>> {
  return {
    createPersonalAccessToken: async ({ userId, description, validFor, readOnly }, context) => {
      const { caller, store } = scopeOf(context);
      const { token, hash } = newToken("personal");
      const nowMs = now();
      const validMs = validFor === undefined || durationMs(validFor) === 0 ? defaultTokenValidMs : durationMs(validFor);
      const personal = create(PersonalAccessTokenSchema, {
        id: uuidV7(nowMs),
        userId,
        description,
        creator: subjectOf(caller),
        createdAt: timestampFromMs(nowMs),
        expiresAt: timestampFromMs(nowMs + validMs),
        readOnly,
      });
      const record = create(AccessTokenRecordSchema, { hash, token: { case: "personal", value: personal } });
      await store.transaction(async (tx) => {
        if ((await tx.all(accessTokenKind, { where: { parentIds: [userId] } })).length >= maxTokensPerUser)
          throw new BerthError("request-invalid", `there are ${maxTokensPerUser} tokens already; delete some first`);
        tx.insert(accessTokenKind, personal.id, record);
      });
      return { token };
    },
    getPersonalAccessToken: async ({ personalAccessTokenId }, context) => ({
      pat: personalOf(await tokenOf(scopeOf(context).store, personalAccessTokenId)),
    }),
    listPersonalAccessTokens: async ({ pagination, filter }, context) => {
      const scope = scopeOf(context);
      const wanted = filter === undefined || filter.userIds.length === 0 ? [scope.caller.id] : filter.userIds;
      const { items, nextToken } = await scope.store.list(accessTokenKind, pagination, { where: { parentIds: wanted } });
      return { personalAccessTokens: items.map(personalOf), pagination: { nextToken } };
    },
    deletePersonalAccessToken: async ({ personalAccessTokenId }, context) => {
      const scope = scopeOf(context);
      await scope.store.transaction(async (tx) => tx.delete(accessTokenKind, await tokenOf(tx, personalAccessTokenId)));
      return {};
    },
  };
}

async function tokenOf(reader: Reader, id: string): Promise<Stored<typeof AccessTokenRecordSchema>> {
  return found(reader, accessTokenKind, id, "personal access token");
}

function personalOf({ message }: Stored<typeof AccessTokenRecordSchema>): PersonalAccessToken {
  return message.token.case === "personal" ? message.token.value : create(PersonalAccessTokenSchema);
}

function preferences({ scopeOf, now }: Dependencies): Partial<ServiceImpl<typeof UserService>> {
  return {
    setPreference: async ({ key, value }, context) => {
      const { caller, store } = scopeOf(context);
      const userId = caller.id;
      await store.transaction(async (tx) => {
        const at = timestampFromMs(now());
        const stored = await tx.find(preferenceKind, { nameKey: `${userId}/${key}` });
        const preference = stored?.message.preference ?? create(UserPreferenceSchema, { id: uuidV7(now()), key, createdAt: at });
        const record = create(UserPreferenceRecordSchema, { userId, preference: { ...preference, value, updatedAt: at } });
        if (stored !== undefined) return tx.update(preferenceKind, stored, record);
        if ((await tx.all(preferenceKind, { where: { parentIds: [userId] } })).length >= maxPreferencesPerUser)
          throw new BerthError("request-invalid", `there are ${maxPreferencesPerUser} preferences already`);
        tx.insert(preferenceKind, preference.id, record);
      });
      return {};
    },
    getPreference: async ({ preference, userPreferenceId }, context) => {
      const { caller, store } = scopeOf(context);
      const userId = caller.id;
      if (preference.case === "preferenceKey") {
        const stored = await store.find(preferenceKind, { nameKey: `${userId}/${preference.value}` });
        if (stored === undefined) throw new BerthError("resource-not-found", `there is no preference '${preference.value}'`);
        return withPreference(stored);
      }
      return withPreference(await found(store, preferenceKind, preference.value ?? userPreferenceId, "preference"));
    },
    listPreferences: async ({ pagination }, context) => {
      const { caller, store } = scopeOf(context);
      const { items, nextToken } = await store.list(preferenceKind, pagination, { where: { parentIds: [caller.id] } });
      return { preferences: items.flatMap(({ message }) => message.preference ?? []), pagination: { nextToken } };
    },
    deletePreference: async ({ userPreferenceId }, context) => {
      await scopeOf(context).store.transaction(async (tx) =>
        tx.delete(preferenceKind, await found(tx, preferenceKind, userPreferenceId, "preference")),
      );
      return {};
    },
  };
}

function withPreference({ message }: Stored<typeof UserPreferenceRecordSchema>): {
  readonly preference: NonNullable<typeof message.preference>;
} {
  return { preference: message.preference ?? create(UserPreferenceSchema) };
}

function dotfiles({ scopeOf }: Dependencies): Partial<ServiceImpl<typeof UserService>> {
  return {
    getDotfilesConfiguration: async (_request, context) => {
      const { caller, store } = scopeOf(context);
      const stored = await store.get(dotfilesKind, caller.id);
      return { dotfilesConfiguration: stored?.message ?? create(DotfilesConfigurationSchema) };
    },
    setDotfilesConfiguration: async ({ repository }, context) => {
      const { caller, store } = scopeOf(context);
      const userId = caller.id;
      await store.transaction(async (tx) => {
        const stored = await tx.get(dotfilesKind, userId);
        const message = create(DotfilesConfigurationSchema, { repository });
        if (stored === undefined) tx.insert(dotfilesKind, userId, message);
        else tx.update(dotfilesKind, stored, message);
      });
      return {};
    },
  };
}

async function userOf(reader: Reader, id: string): Promise<User> {
  const { user } = (await found(reader, memberKind, id, "user")).message;
  if (user === undefined) throw new BerthError("resource-not-found", `there is no user ${id}`);
  return user;
}
