import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import type { Runner, RunnerService } from "../../contract/gen/gitpod/v1/runner_pb.js";
import { callerOf } from "../caller.ts";
import { runnerSight } from "../access/visibility.ts";
import type { Fleet } from "../fleet.ts";
import { paginate } from "../pagination.ts";
import type { ScopeOf } from "../request-scope.ts";
import type { PageTokens } from "../store/page-tokens.ts";
import { usableClasses } from "./usable-classes.ts";

/** gitpod.v1.RunnerService: what environments run on, and what is asked of it. */
export function runnerService({
  scopeOf,
  fleet,
  tokens,
}: {
  readonly scopeOf: ScopeOf;
  readonly fleet: Fleet;
  readonly tokens: PageTokens;
}): Partial<ServiceImpl<typeof RunnerService>> {
  return {
    listRunners: async ({ filter, pagination }, context) => {
      const { organizationId } = scopeOf(context).store;
      const seesRunner = await runnerSight(scopeOf(context));
      const { kinds = [], providers = [], creatorIds = [] } = filter ?? {};
      const isWanted = (runner: Runner): boolean =>
        seesRunner(runner.runnerId) &&
        (kinds.length === 0 || kinds.includes(runner.kind)) &&
        (providers.length === 0 || providers.includes(runner.provider)) &&
        (creatorIds.length === 0 || creatorIds.includes(runner.creator?.id ?? ""));
      const runners = (await fleet.runners(organizationId)).filter(isWanted);
      const { page, nextToken } = paginate(runners, (r) => r.runnerId, pagination, {
        tokens,
        list: JSON.stringify(["runners", organizationId, filter ?? null]),
      });
      return { runners: page, pagination: { nextToken } };
    },
    getRunner: async ({ runnerId }, context) => ({ runner: await findRunner(fleet, scopeOf(context).store.organizationId, runnerId) }),
    parseContextURL: async ({ runnerId, contextUrl }, context) => {
      const scope = scopeOf(context);
      const { organizationId } = scope.store;
      const classes = await usableClasses(fleet, scope);
      const chosen = runnerId === "" ? (classes[0]?.runnerId ?? "") : runnerId;
      const engineCalls = await fleet.engineCalls(organizationId, chosen);
      const parsed = await engineCalls.parseContextUrl({ contextUrl, principalId: callerOf(context).id }, context.signal);
      return { ...parsed, recommendedEnvironmentClasses: classes.filter((c) => c.runnerId === chosen).map((c) => c.id) };
    },
  };
}

/** Fails with `resource-not-found`. */
export async function findRunner(fleet: Fleet, organizationId: string, runnerId: string): Promise<Runner> {
  const runner = (await fleet.runners(organizationId)).find((r) => r.runnerId === runnerId);
  if (runner === undefined) throw new BerthError("resource-not-found", `there is no runner ${runnerId}`);
  return runner;
}
