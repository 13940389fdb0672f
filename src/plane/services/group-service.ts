import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { type Group, GroupSchema, type GroupService, type ListGroupsRequest_Filter } from "../../contract/gen/gitpod/v1/group_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import type { ScopeOf } from "../request-scope.ts";
import { groupKind, groupMembershipKind, membershipNameKey, roleAssignmentKind } from "../store/identity-kinds.ts";
import type { OrganizationStore, Reader, Stored, Where } from "../store/store.ts";
import { found } from "./found.ts";
import { newPlace } from "./group-places.ts";
import { roleAssignments } from "./role-assignments.ts";

interface Dependencies {
  readonly scopeOf: ScopeOf;
  readonly now: () => number;
}

/** In the column `phase`: a group that stands for a share with one principal. */
const directShare = 1;

/** gitpod.v1.GroupService: groups, who is in them, and what they may do. */
export function groupService(dependencies: Dependencies): Partial<ServiceImpl<typeof GroupService>> {
  return { ...groups(dependencies), ...memberships(dependencies), ...roleAssignments(dependencies) };
}

function groups({ scopeOf, now }: Dependencies): Partial<ServiceImpl<typeof GroupService>> {
  return {
    createGroup: async ({ organizationId, name, description }, context) => {
      const scope = scopeOf(context);
      const at = timestampFromMs(now());
      const group = create(GroupSchema, { id: uuidV7(now()), organizationId, name, description, createdAt: at, updatedAt: at });
      await scope.store.transaction(async (tx) => tx.insert(groupKind, group.id, group));
      return { group };
    },
    getGroup: async ({ group, groupId }, context) => {
      const { store } = scopeOf(context);
      if (group.case !== "name") return { group: await counted(store, await groupOf(store, group.value ?? groupId)) };
      const stored = await store.find(groupKind, { nameKey: group.value.toLowerCase() });
      if (stored === undefined) throw new BerthError("resource-not-found", `there is no group '${group.value}'`);
      return { group: await counted(store, stored) };
    },
    listGroups: async ({ pagination, filter }, context) => {
      const { store } = scopeOf(context);
      const { items, nextToken } = await store.list(groupKind, pagination, {
        where: await groupsWanted(store, filter),
        asked: [filter ?? null],
      });
      return { groups: await Promise.all(items.map(async (stored) => counted(store, stored))), pagination: { nextToken } };
    },
    updateGroup: async ({ groupId, name, description }, context) => {
      const scope = scopeOf(context);
      const group = await scope.store.transaction(async (tx) => {
        const stored = await ownGroupOf(tx, groupId);
        const changed = create(GroupSchema, { ...stored.message, name, description, updatedAt: timestampFromMs(now()) });
        tx.update(groupKind, stored, changed);
        return { ...stored, message: changed };
      });
      return { group: await counted(scope.store, group) };
    },
    deleteGroup: async ({ groupId }, context) => {
      const scope = scopeOf(context);
      await scope.store.transaction(async (tx) => {
        const stored = await ownGroupOf(tx, groupId);
        const where = { parentIds: [groupId] };
        for (const place of await tx.all(groupMembershipKind, { where })) tx.delete(groupMembershipKind, place);
        for (const assignment of await tx.all(roleAssignmentKind, { where })) tx.delete(roleAssignmentKind, assignment);
        tx.delete(groupKind, stored);
      });
      return {};
    },
  };
}

function memberships({ scopeOf, now }: Dependencies): Partial<ServiceImpl<typeof GroupService>> {
  return {
    createMembership: async ({ groupId, subject }, context) => {
      const scope = scopeOf(context);
      if (subject === undefined) throw new BerthError("request-invalid", "subject is missing");
      return scope.store.transaction(async (tx) => {
        await ownGroupOf(tx, groupId);
        const member = await newPlace(tx, groupId, subject, now());
        tx.insert(groupMembershipKind, member.id, member);
        return { member };
      });
    },
    deleteMembership: async ({ membershipId }, context) => {
      const scope = scopeOf(context);
      await scope.store.transaction(async (tx) => {
        const stored = await found(tx, groupMembershipKind, membershipId, "membership");
        await ownGroupOf(tx, stored.message.groupId);
        tx.delete(groupMembershipKind, stored);
      });
      return {};
    },
    getMembership: async ({ groupId, subject }, context) => {
      const { store } = scopeOf(context);
      await groupOf(store, groupId);
      const stored = await store.find(groupMembershipKind, { nameKey: membershipNameKey(groupId, subject) });
      return stored === undefined ? {} : { member: stored.message };
    },
    listMemberships: async ({ pagination, groupId, filter }, context) => {
      const { store } = scopeOf(context);
      await groupOf(store, groupId);
      const where = { parentIds: [groupId], ...(filter === undefined || filter.search === "" ? {} : { search: filter.search }) };
      const { items, nextToken } = await store.list(groupMembershipKind, pagination, { where });
      return { members: items.map(({ message }) => message), pagination: { nextToken } };
    },
  };
}

async function groupOf(reader: Reader, id: string): Promise<Stored<typeof GroupSchema>> {
  return found(reader, groupKind, id, "group");
}

/** One that people may change: those of shares follow the shares. */
async function ownGroupOf(reader: Reader, id: string): Promise<Stored<typeof GroupSchema>> {
  const stored = await groupOf(reader, id);
  if (stored.message.systemManaged || stored.message.directShare)
    throw new BerthError("request-invalid", "the group is kept by Berth itself; share and unshare the resource instead");
  return stored;
}

async function counted(store: OrganizationStore, { id, message }: Stored<typeof GroupSchema>): Promise<Group> {
  return create(GroupSchema, { ...message, memberCount: await store.count(groupMembershipKind, { parentIds: [id] }) });
}

async function groupsWanted(store: OrganizationStore, filter: ListGroupsRequest_Filter | undefined): Promise<Where> {
  const excluded = filter?.excludeAssignedToResource;
  const assigned =
    excluded === undefined
      ? []
      : await store.all(roleAssignmentKind, { where: { projectIds: [excluded.resourceId], phases: [excluded.resourceType] } });
  return {
    phases: filter?.directShare === true ? [directShare] : [0],
    ...(filter?.systemManaged === undefined ? {} : { roles: [filter.systemManaged ? 1 : 0] }),
    ...(filter === undefined || filter.search === "" ? {} : { search: filter.search }),
    ...(filter === undefined || filter.groupIds.length === 0 ? {} : { ids: filter.groupIds }),
    ...(assigned.length === 0 ? {} : { notIds: assigned.map(({ message }) => message.groupId) }),
  };
}
