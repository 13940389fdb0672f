import type { EnvironmentClass, ListEnvironmentClassesRequest } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import type { Fleet } from "../fleet.ts";
import { paginate } from "../pagination.ts";
import type { PageTokens } from "../store/page-tokens.ts";

/** Answers ListEnvironmentClasses of both services that have it. */
export async function listClasses(
  { filter, pagination }: ListEnvironmentClassesRequest,
  { fleet, tokens, organizationId }: { readonly fleet: Fleet; readonly tokens: PageTokens; readonly organizationId: string },
): Promise<{ readonly environmentClasses: EnvironmentClass[]; readonly pagination: { readonly nextToken: string } }> {
  const [classes, runners] = await Promise.all([fleet.classes(organizationId), fleet.runners(organizationId)]);
  const isWanted = ({ enabled, runnerId }: EnvironmentClass): boolean => {
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
  const list = `classes/${organizationId}`;
  const { page, nextToken } = paginate(classes.filter(isWanted), (c) => c.id, pagination, { tokens, list });
  return { environmentClasses: page, pagination: { nextToken } };
}
