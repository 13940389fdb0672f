import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { ResourceType } from "../../contract/gen/gitpod/v1/event_pb.js";
import {
  GroupSchema,
  type GroupService,
  type ListRoleAssignmentsRequest_Filter,
  ResourceRole,
  RoleAssignmentSchema,
} from "../../contract/gen/gitpod/v1/group_pb.js";
import { type Principal, SubjectSchema } from "../../contract/gen/gitpod/v1/identity_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import type { ScopeOf } from "../request-scope.ts";
import { environmentClassKind, runnerKind } from "../store/fleet-kinds.ts";
import { groupKind, groupMembershipKind, organizationKind, roleAssignmentKind, serviceAccountKind } from "../store/identity-kinds.ts";
import { environmentKind } from "../store/kinds.ts";
import { projectKind } from "../store/project-kinds.ts";
import type { OrganizationStore, Reader, Transaction, Where } from "../store/store.ts";
import { found } from "./found.ts";
import { newPlace } from "./group-places.ts";

interface Dependencies {
  readonly scopeOf: ScopeOf;
  readonly now: () => number;
}

/** What groups may do, and shares: a share is a group of one, kept by Berth. */
export function roleAssignments({ scopeOf, now }: Dependencies): Partial<ServiceImpl<typeof GroupService>> {
  return {
    createRoleAssignment: async ({ groupId, resourceType, resourceId, resourceRole }, context) => {
      const scope = scopeOf(context);
      if (resourceRole === ResourceRole.UNSPECIFIED) throw new BerthError("request-invalid", "resource_role is missing");
      return scope.store.transaction(async (tx) => {
        const group = await found(tx, groupKind, groupId, "group");
        if (group.message.directShare) throw new BerthError("request-invalid", "the group is that of a share; share the resource instead");
        await checkResource(tx, resourceType, resourceId);
        const { organizationId } = scope.store;
        const named = { id: uuidV7(now()), groupId, organizationId, resourceId, resourceType, resourceRole };
        const assignment = create(RoleAssignmentSchema, named);
        tx.insert(roleAssignmentKind, assignment.id, assignment);
        return { assignment };
      });
    },
    listRoleAssignments: async ({ pagination, filter }, context) => {
      const { store } = scopeOf(context);
      const { items, nextToken } = await store.list(roleAssignmentKind, pagination, {
        where: await assignmentsWanted(store, filter),
        asked: [filter ?? null],
      });
      return { assignments: items.map(({ message }) => message), pagination: { nextToken } };
    },
    deleteRoleAssignment: async ({ assignmentId }, context) => {
      const scope = scopeOf(context);
      await scope.store.transaction(async (tx) =>
        tx.delete(roleAssignmentKind, await found(tx, roleAssignmentKind, assignmentId, "role assignment")),
      );
      return {};
    },
    shareResourceWithPrincipal: async ({ resourceType, resourceId, principal, principalId, role }, context) => {
      const scope = scopeOf(context);
      await scope.store.transaction(async (tx) => {
        await checkResource(tx, resourceType, resourceId);
        const group = await shareGroup(tx, {
          organizationId: scope.store.organizationId,
          resourceId,
          principal,
          principalId,
          nowMs: now(),
        });
        for (const old of await tx.all(roleAssignmentKind, { where: { parentIds: [group] } })) tx.delete(roleAssignmentKind, old);
        const { organizationId } = scope.store;
        const named = { id: uuidV7(now()), groupId: group, organizationId, resourceId, resourceType, resourceRole: role };
        tx.insert(roleAssignmentKind, named.id, create(RoleAssignmentSchema, named));
      });
      return {};
    },
    unshareResourceWithPrincipal: async ({ resourceId, principalId }, context) => {
      const scope = scopeOf(context);
      await scope.store.transaction(async (tx) => {
        const group = await tx.find(groupKind, { nameKey: shareName(principalId, resourceId) });
        if (group === undefined) return;
        const where = { parentIds: [group.id] };
        for (const place of await tx.all(groupMembershipKind, { where })) tx.delete(groupMembershipKind, place);
        for (const assignment of await tx.all(roleAssignmentKind, { where })) tx.delete(roleAssignmentKind, assignment);
        tx.delete(groupKind, group);
      });
      return {};
    },
  };
}

/** 79 characters, which a group's name may have. */
function shareName(principalId: string, resourceId: string): string {
  return `share ${principalId} ${resourceId}`;
}

/** The id of the group that stands for one principal and one resource; made when it is not there. */
async function shareGroup(
  tx: Transaction,
  options: {
    readonly organizationId: string;
    readonly resourceId: string;
    readonly principal: Principal;
    readonly principalId: string;
    readonly nowMs: number;
  },
): Promise<string> {
  const { organizationId, resourceId, principal, principalId, nowMs } = options;
  const name = shareName(principalId, resourceId);
  const existing = await tx.find(groupKind, { nameKey: name });
  const id = existing?.id ?? uuidV7(nowMs);
  const at = timestampFromMs(nowMs);
  if (existing === undefined)
    tx.insert(groupKind, id, create(GroupSchema, { id, organizationId, name, directShare: true, createdAt: at, updatedAt: at }));
  // Somebody who left and came back has lost their place; only a new share gives it back.
  const place = await newPlace(tx, id, create(SubjectSchema, { id: principalId, principal }), nowMs);
  const isIn = existing !== undefined && (await tx.all(groupMembershipKind, { where: { parentIds: [id] } })).length > 0;
  if (!isIn) tx.insert(groupMembershipKind, place.id, place);
  return id;
}

/** Fails with `resource-not-found` for what is not in the organization, and for kinds that roles cannot be about. */
async function checkResource(reader: Reader, type: ResourceType, id: string): Promise<unknown> {
  switch (type) {
    case ResourceType.ORGANIZATION:
      return found(reader, organizationKind, id, "organization");
    case ResourceType.ENVIRONMENT:
      return found(reader, environmentKind, id, "environment");
    case ResourceType.PROJECT:
      return found(reader, projectKind, id, "project");
    case ResourceType.RUNNER:
      return found(reader, runnerKind, id, "runner");
    case ResourceType.ENVIRONMENT_CLASS:
      return found(reader, environmentClassKind, id, "environment class");
    case ResourceType.GROUP:
      return found(reader, groupKind, id, "group");
    case ResourceType.SERVICE_ACCOUNT:
      return found(reader, serviceAccountKind, id, "service account");
    default:
      throw new BerthError(
        "request-invalid",
        "resource_type: roles are about organizations, projects, environments, runners, classes, groups and service accounts",
      );
  }
}

async function assignmentsWanted(store: OrganizationStore, filter: ListRoleAssignmentsRequest_Filter | undefined): Promise<Where> {
  if (filter === undefined) return {};
  const resourceIds = [...filter.resourceIds, ...(filter.resourceId === "" ? [] : [filter.resourceId])];
  const ofUser = filter.userId === "" ? [] : await store.all(groupMembershipKind, { where: { creatorIds: [filter.userId] } });
  const groups = filter.userId === "" ? undefined : ofUser.map(({ message }) => message.groupId);
  const parentIds = filter.groupId === "" ? groups : [filter.groupId].filter((id) => groups === undefined || groups.includes(id));
  return {
    ...(parentIds === undefined ? {} : { parentIds }),
    ...(resourceIds.length === 0 ? {} : { projectIds: resourceIds }),
    ...(filter.resourceTypes.length === 0 ? {} : { phases: filter.resourceTypes }),
    ...(filter.resourceRoles.length === 0 ? {} : { roles: filter.resourceRoles }),
  };
}
