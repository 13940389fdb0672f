import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import {
  type EnvironmentClass,
  type HostAuthenticationToken,
  HostAuthenticationTokenSchema,
  type RunnerConfigurationService,
} from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import type { LocalIdentity } from "../local-identity.ts";
import { paginate } from "../pagination.ts";
import type { ResourceStore } from "../resource-store.ts";
import type { Sealer } from "../seal.ts";
import { listClasses } from "./list-classes.ts";
import { checkRunner } from "./runner-service.ts";
import { refuse } from "./supported-spec.ts";

/** What a token's sealed value is bound to. */
export function tokenOwner(id: string): string {
  return `host-token/${id}`;
}

/** gitpod.v1.RunnerConfigurationService: classes, and tokens for source-control and registry hosts. */
export function runnerConfigurationService({
  identity,
  classes,
  tokens,
  sealer,
  now,
}: {
  readonly identity: LocalIdentity;
  readonly classes: () => EnvironmentClass[];
  readonly tokens: ResourceStore<typeof HostAuthenticationTokenSchema>;
  readonly sealer: Sealer;
  readonly now: () => number;
}): Partial<ServiceImpl<typeof RunnerConfigurationService>> {
  const find = (id: string): HostAuthenticationToken => {
    const token = tokens.get(id);
    if (token === undefined) throw new BerthError("resource-not-found", `there is no host authentication token ${id}`);
    return token;
  };
  return {
    listEnvironmentClasses: (request) => listClasses(request, classes()),
    getEnvironmentClass: ({ environmentClassId }) => {
      const environmentClass = classes().find((c) => c.id === environmentClassId);
      if (environmentClass === undefined) throw new BerthError("resource-not-found", `there is no environment class ${environmentClassId}`);
      return { environmentClass };
    },
    createHostAuthenticationToken: (request) => {
      checkRunner(identity, request.runnerId);
      if (request.refreshToken !== "") refuse("refreshToken: tokens are used as they are");
      const id = uuidV7(now());
      const token = create(HostAuthenticationTokenSchema, {
        id,
        runnerId: request.runnerId,
        host: request.host.toLowerCase(),
        source: request.source,
        integrationId: request.integrationId,
        scopes: request.scopes,
        subject: request.subject ?? identity.subject,
        ...(request.expiresAt === undefined ? {} : { expiresAt: request.expiresAt }),
      });
      tokens.put(id, token, { nowMs: now(), sealed: sealer.seal(request.token, tokenOwner(id)) });
      return { token };
    },
    getHostAuthenticationToken: ({ id }) => ({ token: find(id) }),
    listHostAuthenticationTokens: ({ filter, pagination }) => {
      const subjectId = filter?.subjectId ?? filter?.userId;
      const found = tokens
        .list()
        .filter(
          (t) =>
            (filter?.runnerId === undefined || t.runnerId === filter.runnerId) && (subjectId === undefined || t.subject?.id === subjectId),
        );
      const { page, nextToken } = paginate(found, (t) => t.id, pagination);
      return { tokens: page, pagination: { nextToken } };
    },
    updateHostAuthenticationToken: (request) => {
      const token = find(request.id);
      if (request.refreshToken !== undefined && request.refreshToken !== "") refuse("refreshToken: tokens are used as they are");
      if (request.scopes.length > 0) token.scopes = request.scopes;
      if (request.expiresAt !== undefined) token.expiresAt = request.expiresAt;
      const sealed = request.token === undefined ? undefined : sealer.seal(request.token, tokenOwner(token.id));
      tokens.put(token.id, token, { nowMs: now(), ...(sealed === undefined ? {} : { sealed }) });
      return {};
    },
    deleteHostAuthenticationToken: ({ id }) => {
      tokens.delete(find(id).id);
      return {};
    },
  };
}
