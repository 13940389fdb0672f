import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import type { EngineCalls } from "../../contract/engine-port.ts";
import { RunnerKind } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { type Runner, RunnerPhase, RunnerSchema, type RunnerService } from "../../contract/gen/gitpod/v1/runner_pb.js";
import { type LocalIdentity, localProvider } from "../local-identity.ts";
import { paginate } from "../pagination.ts";

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
    listRunners: ({ filter, pagination }) => {
      const { kinds = [], providers = [], creatorIds = [] } = filter ?? {};
      const isWanted =
        (kinds.length === 0 || kinds.includes(runner.kind)) &&
        (providers.length === 0 || providers.includes(runner.provider)) &&
        (creatorIds.length === 0 || creatorIds.includes(identity.userId));
      const { page, nextToken } = paginate(isWanted ? [runner] : [], (r) => r.runnerId, pagination);
      return { runners: page, pagination: { nextToken } };
    },
    getRunner: ({ runnerId }) => {
      checkRunner(identity, runnerId);
      return { runner };
    },
    parseContextURL: async ({ runnerId, contextUrl }, context) => {
      if (runnerId !== "") checkRunner(identity, runnerId);
      const parsed = await engineCalls.parseContextUrl({ contextUrl, principalId: identity.userId }, context.signal);
      return { ...parsed, recommendedEnvironmentClasses: [identity.classId, identity.dedicatedClassId] };
    },
  };
}

/** Fails with `resource-not-found` for every runner but this computer. */
export function checkRunner(identity: LocalIdentity, runnerId: string): void {
  if (runnerId !== identity.runnerId) throw new BerthError("resource-not-found", `there is no runner ${runnerId}`);
}

function localRunner(identity: LocalIdentity, version: string): Runner {
  return create(RunnerSchema, {
    runnerId: identity.runnerId,
    name: "This computer",
    kind: RunnerKind.LOCAL,
    provider: localProvider(),
    spec: { desiredPhase: RunnerPhase.ACTIVE },
    status: { phase: RunnerPhase.ACTIVE, version },
    creator: identity.subject,
  });
}
