import { ResourceType } from "../../contract/gen/gitpod/v1/event_pb.js";
import { visibilityOf } from "../authorization/policy.ts";
import type { PlaneEvent } from "../events.ts";
import type { RequestScope } from "../request-scope.ts";
import { environmentKind } from "../store/kinds.ts";
import { sharedIds } from "./visibility.ts";

/** For so long what was shared with a watcher is not asked for again. */
const maxAgeMs = 5000;
/** Environments whose owner a watch remembers. */
const maxOwners = 1000;

/** What belongs to an environment, and is seen by who sees the environment. */
const ofEnvironments: ReadonlySet<ResourceType> = new Set([
  ResourceType.ENVIRONMENT,
  ResourceType.SERVICE,
  ResourceType.TASK,
  ResourceType.TASK_EXECUTION,
]);

/**
 * Tells of events whether a watcher could read what they are about; undefined: all of them.
 * @param watcher Who watches, as they are known by now.
 */
export function eventSight(
  watcher: () => Pick<RequestScope, "principal" | "store">,
  now: () => number,
): ((event: PlaneEvent) => Promise<boolean>) | undefined {
  if (watcher().principal === undefined) return undefined;
  let shared: ReadonlySet<string> = new Set();
  let askedAtMs = Number.NEGATIVE_INFINITY;
  const isShared = async (ids: readonly string[], principalId: string): Promise<boolean> => {
    if (now() - askedAtMs > maxAgeMs) {
      askedAtMs = now();
      shared = new Set(await sharedIds(watcher().store, principalId, ResourceType.ENVIRONMENT));
    }
    return ids.some((id) => shared.has(id));
  };
  const owners = new Map<string, string>();
  const ownerOf = async (environmentId: string): Promise<string> => {
    const known = owners.get(environmentId);
    if (known !== undefined) return known;
    const ownerId = (await watcher().store.get(environmentKind, environmentId))?.message.metadata?.creator?.id ?? "";
    if (owners.size < maxOwners) owners.set(environmentId, ownerId);
    return ownerId;
  };
  return async ({ resourceType, resourceId, parentId, creatorId }) => {
    const { principal } = watcher();
    if (principal === undefined) return false;
    const ids = [resourceId, parentId];
    const visibility = visibilityOf(principal, "gitpod.v1.EnvironmentService/GetEnvironment");
    if (visibility === "all") return true;
    if (visibility !== "ownAndShared") return visibility === "own" && ids.includes(principal.id);
    if (!ofEnvironments.has(resourceType)) return true;
    // What is of an environment may have been made by somebody else, e.g. by the environment itself.
    const ownerId = resourceType === ResourceType.ENVIRONMENT ? creatorId : await ownerOf(parentId);
    return ownerId === principal.id || isShared(ids, principal.id);
  };
}
