import type { EnvironmentClass, ListEnvironmentClassesRequest } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { runnerSight } from "../access/visibility.ts";
import type { RequestScope } from "../request-scope.ts";
import type { Fleet } from "../fleet.ts";
import { paginate } from "../pagination.ts";
import type { PageTokens } from "../store/page-tokens.ts";

/** Answers ListEnvironmentClasses of both services that have it. */
export async function listClasses(
  { filter, pagination }: ListEnvironmentClassesRequest,
  { fleet, tokens, scope }: { readonly fleet: Fleet; readonly tokens: PageTokens; readonly scope: RequestScope },
): Promise<{ readonly environmentClasses: EnvironmentClass[]; readonly pagination: { readonly nextToken: string } }> {
  const { organizationId } = scope.store;
  const seesRunner = await runnerSight(scope);
  const [classes, runners] = await Promise.all([fleet.classes(organizationId), fleet.runners(organizationId)]);
  const isWanted = ({ enabled, runnerId }: EnvironmentClass): boolean => {
    if (!seesRunner(runnerId)) return false;
    if (filter === undefined) return true;
    const runner = runners.find((r) => r.runnerId === runnerId);
    return (
      (filter.runnerIds.length === 0 || filter.runnerIds.includes(runnerId)) &&
      (filter.enabled === undefined || filter.enabled === enabled) &&
      (filter.canCreateEnvironments === undefined || filter.canCreateEnvironments === enabled) &&
      (filter.runnerKinds.length === 0 || (runner !== undefined && filter.runnerKinds.includes(runner.kind))) &&
      (filter.runnerProviders.length === 0 || (runner !== undefined && filter.runnerProviders.includes(runner.provider)))
    );
  };
  const list = JSON.stringify(["classes", organizationId, filter ?? null]);
  const { page, nextToken } = paginate(classes.filter(isWanted), (c) => c.id, pagination, { tokens, list });
  return { environmentClasses: page, pagination: { nextToken } };
}
