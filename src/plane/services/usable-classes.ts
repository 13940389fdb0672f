import { BerthError } from "../../contract/berth-error.ts";
import type { EnvironmentClass } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { runnerSight } from "../access/visibility.ts";
import type { Fleet } from "../fleet.ts";
import type { RequestScope } from "../request-scope.ts";

/** The classes that somebody can make environments of: those of runners that are theirs to use. */
export async function usableClasses(fleet: Fleet, scope: RequestScope): Promise<readonly EnvironmentClass[]> {
  const [seesRunner, classes] = await Promise.all([runnerSight(scope), fleet.classes(scope.store.organizationId)]);
  return classes.filter(({ runnerId }) => seesRunner(runnerId));
}

/** Fails with `resource-not-found` for a class that is not there for the caller; without an id it is the usual one. */
export async function usableClass(fleet: Fleet, scope: RequestScope, id: string): Promise<EnvironmentClass> {
  const found = id === "" ? (await usableClasses(fleet, scope)).find(({ enabled }) => enabled) : await classOf(fleet, scope, id);
  if (found === undefined)
    throw new BerthError("resource-not-found", id === "" ? "there is no environment class" : `there is no environment class ${id}`);
  if (!found.enabled) throw new BerthError("request-invalid", `spec.machine.class: '${found.displayName}' is disabled`);
  return found;
}

/** An organization may have thousands of classes, so the others are not read. */
async function classOf(fleet: Fleet, scope: RequestScope, id: string): Promise<EnvironmentClass | undefined> {
  const [seesRunner, found] = await Promise.all([runnerSight(scope), fleet.findClass(scope.store.organizationId, id)]);
  return found !== undefined && seesRunner(found.runnerId) ? found : undefined;
}
