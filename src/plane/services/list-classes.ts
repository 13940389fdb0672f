import type { EnvironmentClass, ListEnvironmentClassesRequest } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerKind } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { localProvider } from "../local-identity.ts";
import { paginate } from "../pagination.ts";

/** Answers ListEnvironmentClasses of both services that have it. */
export function listClasses(
  { filter, pagination }: ListEnvironmentClassesRequest,
  classes: readonly EnvironmentClass[],
): { readonly environmentClasses: EnvironmentClass[]; readonly pagination: { readonly nextToken: string } } {
  const isWanted = ({ enabled, runnerId }: EnvironmentClass): boolean =>
    filter === undefined ||
    ((filter.runnerIds.length === 0 || filter.runnerIds.includes(runnerId)) &&
      (filter.enabled === undefined || filter.enabled === enabled) &&
      (filter.canCreateEnvironments === undefined || filter.canCreateEnvironments === enabled) &&
      (filter.runnerKinds.length === 0 || filter.runnerKinds.includes(RunnerKind.LOCAL)) &&
      (filter.runnerProviders.length === 0 || filter.runnerProviders.includes(localProvider())));
  const { page, nextToken } = paginate(classes.filter(isWanted), (c) => c.id, pagination);
  return { environmentClasses: page, pagination: { nextToken } };
}
