import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { SealedHostTokenRecordSchema } from "../../contract/gen/berth/v1/records_pb.js";
import { Principal, type Subject } from "../../contract/gen/gitpod/v1/identity_pb.js";
import {
  type CreateHostAuthenticationTokenRequest,
  HostAuthenticationTokenSchema,
  type RunnerConfigurationService,
} from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import { subjectOf } from "../caller.ts";
import { tellTokensGone } from "../credentials-of.ts";
import type { RequestScope } from "../request-scope.ts";
import { sealedHostTokenKind } from "../runner-store/kinds.ts";
import { hostTokenKind } from "../store/kinds.ts";
import type { Reader, Stored } from "../store/store.ts";
import { found } from "./found.ts";
import type { RunnerDependencies } from "./runner-administration.ts";
import { sealerFor } from "./runner-key.ts";

/** Tokens for source-control and registry hosts, whose values only their runner can read: they are sealed to its key. */
export function sealedHostTokens({
  scopeOf,
  runners,
  now,
}: Pick<RunnerDependencies, "scopeOf" | "runners" | "now">): Partial<ServiceImpl<typeof RunnerConfigurationService>> {
  return {
    createHostAuthenticationToken: async (request, context) => {
      const scope = scopeOf(context);
      const subject = tokenSubject(request, scope);
      const seal = await sealerFor(scope.store, request.runnerId);
      const id = uuidV7(now());
      const { runnerId, source, integrationId, scopes, expiresAt } = request;
      const host = request.host.toLowerCase();
      const token = create(HostAuthenticationTokenSchema, {
        ...{ id, runnerId, host, source, integrationId, scopes, subject },
        ...(expiresAt === undefined ? {} : { expiresAt }),
      });
      const sealed = create(SealedHostTokenRecordSchema, {
        ...{ runnerId, principalId: subject.id, host, sealedValue: await seal(request.token) },
        ...(request.refreshToken === "" ? {} : { sealedRefreshToken: await seal(request.refreshToken) }),
        ...expiry(expiresAt),
      });
      await scope.store.transaction(async (tx) => {
        tx.insert(hostTokenKind, id, token);
        tx.insert(sealedHostTokenKind, id, sealed);
      });
      return { token };
    },
    getHostAuthenticationToken: async ({ id }, context) => {
      const scope = scopeOf(context);
      return { token: (await tokenOf(scope.store, id)).message };
    },
    listHostAuthenticationTokens: async ({ filter, pagination }, context) => {
      const { store, caller } = scopeOf(context);
      const where = { creatorIds: [caller.id], ...(filter?.runnerId === undefined ? {} : { runnerIds: [filter.runnerId] }) };
      const { items, nextToken } = await store.list(hostTokenKind, pagination, { where });
      return { tokens: items.map(({ message }) => message), pagination: { nextToken } };
    },
    updateHostAuthenticationToken: async ({ id, token: value, refreshToken, expiresAt, scopes }, context) => {
      const scope = scopeOf(context);
      const seal = await sealerFor(scope.store, (await tokenOf(scope.store, id)).message.runnerId);
      const sealedValue = value === undefined ? {} : { sealedValue: await seal(value) };
      const sealedRefreshToken = refreshToken === undefined ? {} : { sealedRefreshToken: await seal(refreshToken) };
      await scope.store.transaction(async (tx) => {
        const stored = await tokenOf(tx, id);
        const sealed = await found(tx, sealedHostTokenKind, id, "host authentication token");
        const kept = { ...(scopes.length === 0 ? {} : { scopes }), ...(expiresAt === undefined ? {} : { expiresAt }) };
        tx.update(hostTokenKind, stored, { ...stored.message, ...kept });
        tx.update(sealedHostTokenKind, sealed, { ...sealed.message, ...sealedValue, ...sealedRefreshToken, ...expiry(expiresAt) });
      });
      return {};
    },
    deleteHostAuthenticationToken: async ({ id }, context) => {
      const scope = scopeOf(context);
      const token = await scope.store.transaction(async (tx) => {
        const stored = await tokenOf(tx, id);
        const sealed = await tx.get(sealedHostTokenKind, id);
        tx.delete(hostTokenKind, stored);
        if (sealed !== undefined) tx.delete(sealedHostTokenKind, sealed);
        return stored.message;
      });
      await tellTokensGone(runners.hub)([token]);
      return {};
    },
  };
}

/** One's own tokens are one's own to give; a runner gives those of the people who signed in through it. */
function tokenSubject({ userId, subject }: CreateHostAuthenticationTokenRequest, { caller }: RequestScope): Subject {
  const named = subject ?? (userId === "" ? undefined : { ...subjectOf(caller), principal: Principal.USER, id: userId });
  if (caller.principal === Principal.RUNNER) {
    if (named === undefined) throw new BerthError("not-allowed", "a runner names whose token it has");
    return named;
  }
  return subjectOf(caller);
}

async function tokenOf(reader: Reader, id: string): Promise<Stored<typeof HostAuthenticationTokenSchema>> {
  return found(reader, hostTokenKind, id, "host authentication token");
}

function expiry(at: Timestamp | undefined): { readonly expiresAtMs?: bigint } {
  return at === undefined ? {} : { expiresAtMs: BigInt(timestampMs(at)) };
}
