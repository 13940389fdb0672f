import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import type { EngineCalls } from "../../contract/engine-port.ts";
import type { RunnerConfigurationService } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { HostAuthenticationTokenSchema } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerKind, RunnerProvider } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import type { RunnerService } from "../../contract/gen/gitpod/v1/runner_pb.js";
import { type Runner, RunnerPhase, RunnerSchema } from "../../contract/gen/gitpod/v1/runner_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import { type LocalIdentity, localClasses } from "../local-identity.ts";
import { paginate } from "../pagination.ts";
import type { ResourceStore } from "../resource-store.ts";
import type { Sealer } from "../seal.ts";

/** gitpod.v1.RunnerService as far as there is one runner: this computer. */
export function runnerService({
  identity,
  engineCalls,
  version,
}: {
  readonly identity: LocalIdentity;
  readonly engineCalls: EngineCalls;
  readonly version: string;
}): Partial<ServiceImpl<typeof RunnerService>> {
  const runner = localRunner(identity, version);
  return {
    listRunners: (request) => {
      const kinds = request.filter?.kinds ?? [];
      const all = [runner].filter((r) => kinds.length === 0 || kinds.includes(r.kind));
      const { page, nextToken } = paginate(all, (r) => r.runnerId, request.pagination);
      return { runners: page, pagination: { nextToken } };
    },
    getRunner: (request) => {
      if (request.runnerId !== identity.runnerId) throw new BerthError("machine-not-found", `there is no runner ${request.runnerId}`);
      return { runner };
    },
    parseContextURL: async (request, context) =>
      engineCalls.parseContextUrl({ contextUrl: request.contextUrl, principalId: identity.userId }, context.signal),
  };
}

function localRunner(identity: LocalIdentity, version: string): Runner {
  return create(RunnerSchema, {
    runnerId: identity.runnerId,
    name: "This computer",
    kind: RunnerKind.LOCAL,
    provider: process.platform === "darwin" ? RunnerProvider.DESKTOP_MAC : RunnerProvider.LINUX_HOST,
    spec: { desiredPhase: RunnerPhase.ACTIVE },
    status: { phase: RunnerPhase.ACTIVE, version },
    creator: identity.subject,
  });
}

/** gitpod.v1.RunnerConfigurationService: classes and tokens for source-control and registry hosts. */
export function runnerConfigurationService({
  identity,
  tokens,
  sealer,
  now,
}: {
  readonly identity: LocalIdentity;
  readonly tokens: ResourceStore<typeof HostAuthenticationTokenSchema>;
  readonly sealer: Sealer;
  readonly now: () => number;
}): Partial<ServiceImpl<typeof RunnerConfigurationService>> {
  return {
    listEnvironmentClasses: (request) => {
      const { page, nextToken } = paginate(localClasses(identity), (c) => c.id, request.pagination);
      return { environmentClasses: page, pagination: { nextToken } };
    },
    createHostAuthenticationToken: (request) => {
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
      tokens.put(id, token, { nowMs: now(), sealed: sealer.seal(request.token, `host-token/${id}`) });
      return { token };
    },
    getHostAuthenticationToken: (request) => {
      const token = tokens.get(request.id);
      if (token === undefined) throw new BerthError("environment-not-found", "there is no such token");
      return { token };
    },
    listHostAuthenticationTokens: (request) => {
      const { page, nextToken } = paginate(tokens.list(), (t) => t.id, request.pagination);
      return { tokens: page, pagination: { nextToken } };
    },
    deleteHostAuthenticationToken: (request) => {
      tokens.delete(request.id);
      return {};
    },
  };
}
