import { visibleOfEnvironments } from "../../access/visibility.ts";
import type { RequestScope } from "../../request-scope.ts";
import { environmentTaskKind } from "../../store/automation-kinds.ts";
import type { Where } from "../../store/store.ts";

/** A filter's list as the store wants it: an empty one asks for all. */
export function listed<Name extends keyof Where, T>(
  name: Name,
  values: readonly T[] | undefined,
): { readonly [name in Name]?: readonly T[] } {
  return values === undefined || values.length === 0 ? {} : ({ [name]: values } as { readonly [name in Name]?: readonly T[] });
}

/** The environments that a filter names, which the policy has looked at; else all that the caller sees. */
export async function ofEnvironments(scope: RequestScope, environmentIds: readonly string[] | undefined): Promise<Where> {
  return environmentIds === undefined || environmentIds.length === 0 ? visibleOfEnvironments(scope) : { parentIds: environmentIds };
}

/** The tasks that a filter means by id or by reference; undefined: all. */
export async function tasksWanted(
  { store }: RequestScope,
  where: Where,
  { taskIds, taskReferences }: { readonly taskIds: readonly string[]; readonly taskReferences: readonly string[] },
): Promise<readonly string[] | undefined> {
  if (taskReferences.length === 0) return taskIds.length === 0 ? undefined : taskIds;
  const found = (await store.all(environmentTaskKind, { where: { ...where, labels: taskReferences } })).map(({ id }) => id);
  return taskIds.length === 0 ? found : found.filter((id) => taskIds.includes(id));
}
