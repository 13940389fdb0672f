import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import {
  type EnvironmentClass,
  HostAuthenticationTokenSchema,
  type RunnerConfigurationService,
} from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import { subjectOf } from "../caller.ts";
import type { Fleet } from "../fleet.ts";
import type { ScopeOf } from "../request-scope.ts";
import type { Sealer } from "../seal.ts";
import { hostTokenKind } from "../store/kinds.ts";
import type { PageTokens } from "../store/page-tokens.ts";
import { sealedOwner } from "../store/renew-sealed.ts";
import type { Reader, Stored } from "../store/store.ts";
import { listClasses } from "./list-classes.ts";
import { findRunner } from "./runner-service.ts";
import { refuse } from "./supported-spec.ts";

/** What a token's sealed value is bound to. */
export function tokenOwner(id: string): string {
  return sealedOwner(hostTokenKind.name, id);
}

/** gitpod.v1.RunnerConfigurationService: classes, and tokens for source-control and registry hosts. */
export function runnerConfigurationService({
  scopeOf,
  fleet,
  tokens,
  sealer,
  now,
}: {
  readonly scopeOf: ScopeOf;
  readonly fleet: Fleet;
  readonly tokens: PageTokens;
  readonly sealer: Sealer;
  readonly now: () => number;
}): Partial<ServiceImpl<typeof RunnerConfigurationService>> {
  return {
    listEnvironmentClasses: async (request, context) => listClasses(request, { fleet, tokens, scope: scopeOf(context) }),
    getEnvironmentClass: async ({ environmentClassId }, context) => ({
      environmentClass: await findClass(fleet, scopeOf(context).store.organizationId, environmentClassId),
    }),
    createHostAuthenticationToken: async (request, context) => {
      const { caller, store } = scopeOf(context);
      await findRunner(fleet, store.organizationId, request.runnerId);
      if (request.refreshToken !== "") refuse("refreshToken: tokens are used as they are");
      const id = uuidV7(now());
      const token = create(HostAuthenticationTokenSchema, {
        id,
        runnerId: request.runnerId,
        host: request.host.toLowerCase(),
        source: request.source,
        integrationId: request.integrationId,
        scopes: request.scopes,
        subject: request.subject ?? subjectOf(caller),
        ...(request.expiresAt === undefined ? {} : { expiresAt: request.expiresAt }),
      });
      const sealed = sealer.seal(request.token, tokenOwner(id));
      await store.transaction(async (tx) => tx.insert(hostTokenKind, id, token, { sealed }));
      return { token };
    },
    getHostAuthenticationToken: async ({ id }, context) => ({ token: (await findToken(scopeOf(context).store, id)).message }),
    listHostAuthenticationTokens: async ({ filter, pagination }, context) => {
      const { caller, principal, store } = scopeOf(context);
      const subjectId = filter?.subjectId ?? filter?.userId ?? (principal === undefined ? undefined : caller.id);
      const where = {
        ...(filter?.runnerId === undefined ? {} : { runnerIds: [filter.runnerId] }),
        ...(subjectId === undefined ? {} : { creatorIds: [subjectId] }),
      };
      const { items, nextToken } = await store.list(hostTokenKind, pagination, { where });
      return { tokens: items.map(({ message }) => message), pagination: { nextToken } };
    },
    updateHostAuthenticationToken: async (request, context) => {
      if (request.refreshToken !== undefined && request.refreshToken !== "") refuse("refreshToken: tokens are used as they are");
      await scopeOf(context).store.transaction(async (tx) => {
        const stored = await findToken(tx, request.id);
        const token = stored.message;
        if (request.scopes.length > 0) token.scopes = request.scopes;
        if (request.expiresAt !== undefined) token.expiresAt = request.expiresAt;
        const sealed = request.token === undefined ? {} : { sealed: sealer.seal(request.token, tokenOwner(token.id)) };
        tx.update(hostTokenKind, stored, token, sealed);
      });
      return {};
    },
    deleteHostAuthenticationToken: async ({ id }, context) => {
      await scopeOf(context).store.transaction(async (tx) => tx.delete(hostTokenKind, await findToken(tx, id)));
      return {};
    },
  };
}

async function findToken(reader: Reader, id: string): Promise<Stored<typeof HostAuthenticationTokenSchema>> {
  const token = await reader.get(hostTokenKind, id);
  if (token === undefined) throw new BerthError("resource-not-found", `there is no host authentication token ${id}`);
  return token;
}

async function findClass(fleet: Fleet, organizationId: string, id: string): Promise<EnvironmentClass> {
  const found = await fleet.findClass(organizationId, id);
  if (found === undefined) throw new BerthError("resource-not-found", `there is no environment class ${id}`);
  return found;
}
