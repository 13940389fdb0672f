import { ResourceType } from "../../contract/gen/gitpod/v1/event_pb.js";
import type { Principal } from "../../contract/principal.ts";
import { visibilityOf } from "../authorization/policy.ts";
import { runnerKind } from "../store/fleet-kinds.ts";
import { roleAssignmentKind } from "../store/identity-kinds.ts";
import { environmentKind } from "../store/kinds.ts";
import type { Reader, Where } from "../store/store.ts";
import { groupsOf } from "./principal-of.ts";
import { restrictingRoles, shareLevelOf } from "./share-levels.ts";

/** Whose lists, and where their records are; without a principal everything is seen. */
interface Sight {
  readonly principal: Principal | undefined;
  readonly store: Reader;
}

/** Which environments a list shows somebody: those that GetEnvironment would. */
export async function visibleEnvironments({ principal, store }: Sight): Promise<Pick<Where, "visible">> {
  if (principal === undefined) return {};
  switch (visibilityOf(principal, "gitpod.v1.EnvironmentService/GetEnvironment")) {
    case "all":
      return {};
    case "ownAndShared":
      return { visible: { ownerId: principal.id, others: { only: await sharedIds(store, principal.id, ResourceType.ENVIRONMENT) } } };
    case "own":
      return { visible: { ownerId: principal.id, others: { only: [principal.id] } } };
    case "none":
      return { visible: { ownerId: principal.id, others: { only: [] } } };
  }
}

/** Of which environments a list shows somebody what belongs to them: of those that they see. */
export async function visibleOfEnvironments(sight: Sight): Promise<Pick<Where, "visibleParentIds">> {
  const where = await visibleEnvironments(sight);
  if (where.visible === undefined) return {};
  return { visibleParentIds: (await sight.store.all(environmentKind, { where })).map(({ id }) => id) };
}

/** Which projects a list shows somebody: those that GetProject would. */
export async function visibleProjects({ principal, store }: Sight): Promise<Pick<Where, "visible">> {
  if (principal === undefined || visibilityOf(principal, "gitpod.v1.ProjectService/GetProject") === "all") return {};
  return { visible: { ownerId: principal.id, others: { allBut: await hiddenIds(store, principal.id, ResourceType.PROJECT) } } };
}

/** Which runners a list shows somebody: those that GetRunner would. */
export async function visibleRunners({ principal, store }: Sight): Promise<Pick<Where, "visible">> {
  if (principal === undefined || visibilityOf(principal, "gitpod.v1.RunnerService/GetRunner") === "all") return {};
  return { visible: { ownerId: principal.id, others: { allBut: await hiddenIds(store, principal.id, ResourceType.RUNNER) } } };
}

/** Tells of runners whether somebody sees them, as GetRunner would. */
export async function runnerSight({ principal, store }: Sight): Promise<(runnerId: string) => boolean> {
  if (principal === undefined || visibilityOf(principal, "gitpod.v1.RunnerService/GetRunner") === "all") return () => true;
  const hidden = new Set(await hiddenIds(store, principal.id, ResourceType.RUNNER));
  const own = hidden.size === 0 ? [] : await store.all(runnerKind, { where: { creatorIds: [principal.id], ids: [...hidden] } });
  for (const { id } of own) hidden.delete(id);
  return (runnerId) => !hidden.has(runnerId);
}

/** What was shared with somebody, through whichever group. */
export async function sharedIds(store: Reader, principalId: string, type: ResourceType): Promise<string[]> {
  const groups = await groupsOf(store, principalId);
  if (groups.length === 0) return [];
  const assignments = await store.all(roleAssignmentKind, { where: { parentIds: groups, phases: [type] } });
  return assignments.filter(({ message }) => shareLevelOf.has(message.resourceRole)).map(({ message }) => message.resourceId);
}

/** What is not for everybody and was not shared with somebody. */
async function hiddenIds(store: Reader, principalId: string, type: ResourceType): Promise<string[]> {
  const restricting = await store.all(roleAssignmentKind, { where: { phases: [type], roles: [...restrictingRoles] } });
  if (restricting.length === 0) return [];
  const shared = new Set(await sharedIds(store, principalId, type));
  return [...new Set(restricting.map(({ message }) => message.resourceId))].filter((id) => !shared.has(id));
}
