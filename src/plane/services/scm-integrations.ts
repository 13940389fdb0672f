import { clone, create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type RunnerConfigurationService,
  SCMIntegrationOAuthConfigSchema,
  SCMIntegrationSchema,
} from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import { visibleRunners } from "../access/visibility.ts";
import type { RequestScope } from "../request-scope.ts";
import { scmIntegrationKind } from "../runner-store/kinds.ts";
import { runnerKind } from "../store/fleet-kinds.ts";
import type { Where } from "../store/store.ts";
import { found } from "./found.ts";
import type { RunnerDependencies } from "./runner-administration.ts";
import { sealerFor } from "./runner-key.ts";

const what = "source-control integration";

/** The source-control hosts that runners know how to talk to. Their OAuth secrets are sealed to the runner's key. */
export function scmIntegrations({
  scopeOf,
  runners,
  now,
}: Pick<RunnerDependencies, "scopeOf" | "runners" | "now">): Partial<ServiceImpl<typeof RunnerConfigurationService>> {
  const changed = async (runnerId: string, id: string): Promise<void> =>
    runners.hub.hint(runnerId, { case: "eventScmIntegrationChange", value: { id } });
  return {
    createSCMIntegration: async (request, context) => {
      const scope = scopeOf(context);
      const { runnerId, scmId, pat, oauthClientId, oauthPlaintextClientSecret, issuerUrl, virtualDirectory } = request;
      const seal = await sealerFor(scope.store, runnerId);
      const id = uuidV7(now());
      const secret = oauthPlaintextClientSecret === undefined ? {} : { encryptedClientSecret: await seal(oauthPlaintextClientSecret) };
      const integration = create(SCMIntegrationSchema, {
        ...{ id, runnerId, scmId, pat, host: request.host.toLowerCase() },
        ...(oauthClientId === undefined ? {} : { oauth: { clientId: oauthClientId, issuerUrl: issuerUrl ?? "", ...secret } }),
        ...(virtualDirectory === undefined ? {} : { virtualDirectory }),
      });
      await scope.store.transaction(async (tx) => tx.insert(scmIntegrationKind, id, integration));
      await changed(runnerId, id);
      return { id };
    },
    getSCMIntegration: async ({ id }, context) => ({
      integration: (await found(scopeOf(context).store, scmIntegrationKind, id, what)).message,
    }),
    listSCMIntegrations: async ({ filter, pagination }, context) => {
      const scope = scopeOf(context);
      const asked = filter?.runnerIds ?? [];
      const where = asked.length > 0 ? { runnerIds: asked } : await ofSeenRunners(scope);
      const { items, nextToken } = await scope.store.list(scmIntegrationKind, pagination, { where, asked: [...asked, scope.caller.id] });
      return { integrations: items.map(({ message }) => message), pagination: { nextToken } };
    },
    updateSCMIntegration: async (request, context) => {
      const scope = scopeOf(context);
      const { runnerId } = (await found(scope.store, scmIntegrationKind, request.id, what)).message;
      const seal = await sealerFor(scope.store, runnerId);
      const secret = request.oauthPlaintextClientSecret;
      const sealed = secret === undefined ? undefined : await seal(secret);
      await scope.store.transaction(async (tx) => {
        const stored = await found(tx, scmIntegrationKind, request.id, what);
        const draft = clone(SCMIntegrationSchema, stored.message);
        draft.pat = request.pat ?? draft.pat;
        if (request.virtualDirectory !== undefined) draft.virtualDirectory = request.virtualDirectory;
        if (request.oauthClientId !== undefined || request.issuerUrl !== undefined || sealed !== undefined) {
          draft.oauth ??= create(SCMIntegrationOAuthConfigSchema);
          draft.oauth.clientId = request.oauthClientId ?? draft.oauth.clientId;
          draft.oauth.issuerUrl = request.issuerUrl ?? draft.oauth.issuerUrl;
          draft.oauth.encryptedClientSecret = sealed ?? draft.oauth.encryptedClientSecret;
        }
        tx.update(scmIntegrationKind, stored, draft);
      });
      await changed(runnerId, request.id);
      return {};
    },
    deleteSCMIntegration: async ({ id }, context) => {
      const scope = scopeOf(context);
      const runnerId = await scope.store.transaction(async (tx) => {
        const stored = await found(tx, scmIntegrationKind, id, what);
        tx.delete(scmIntegrationKind, stored);
        return stored.message.runnerId;
      });
      await changed(runnerId, id);
      return {};
    },
  };
}

/** Those of runners that GetRunner would show the caller. */
async function ofSeenRunners(scope: RequestScope): Promise<Pick<Where, "runnerIds">> {
  const seen = await visibleRunners(scope);
  if (seen.visible === undefined) return {};
  return { runnerIds: (await scope.store.all(runnerKind, { where: seen })).map(({ id }) => id) };
}
