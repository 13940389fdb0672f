import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { ResourceType } from "../../contract/gen/gitpod/v1/event_pb.js";
import { ResourceRole, RoleAssignmentSchema } from "../../contract/gen/gitpod/v1/group_pb.js";
import { ProjectRole, type ProjectPolicy, ProjectPolicySchema, type ProjectService } from "../../contract/gen/gitpod/v1/project_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import type { RequestScope } from "../request-scope.ts";
import { groupKind, roleAssignmentKind } from "../store/identity-kinds.ts";
import { projectKind } from "../store/project-kinds.ts";
import type { Stored, Transaction } from "../store/store.ts";
import { found } from "./found.ts";
import type { ProjectDependencies } from "./project-dependencies.ts";

const resourceRoles: Readonly<Record<ProjectRole, ResourceRole>> = {
  [ProjectRole.UNSPECIFIED]: ResourceRole.UNSPECIFIED,
  [ProjectRole.ADMIN]: ResourceRole.PROJECT_ADMIN,
  [ProjectRole.USER]: ResourceRole.PROJECT_USER,
  [ProjectRole.EDITOR]: ResourceRole.PROJECT_EDITOR,
};

/** Policies of a project: what a group may do with it, kept as the group's role assignment. */
export function projectPolicies({ scopeOf, now }: ProjectDependencies): Partial<ServiceImpl<typeof ProjectService>> {
  return {
    listProjectPolicies: async ({ projectId, pagination }, context) => {
      const { store } = scopeOf(context);
      await found(store, projectKind, projectId, "project");
      const where = { projectIds: [projectId], phases: [ResourceType.PROJECT] };
      const { items, nextToken } = await store.list(roleAssignmentKind, pagination, { where });
      return { policies: items.map(policyOf), pagination: { nextToken } };
    },
    createProjectPolicy: async ({ projectId, groupId, role }, context) => {
      const scope = scopeOf(context);
      return scope.store.transaction(async (tx) => {
        await checkNamed(tx, projectId, groupId);
        if ((await policyRows(tx, projectId, groupId)).length > 0) throw new BerthError("resource-exists", "a policy for this group");
        return { policy: insertPolicy(tx, scope, { id: uuidV7(now()), projectId, groupId, role }) };
      });
    },
    updateProjectPolicy: async ({ projectId, groupId, role }, context) => {
      const scope = scopeOf(context);
      return scope.store.transaction(async (tx) => {
        await checkNamed(tx, projectId, groupId);
        await deletePolicies(tx, projectId, groupId);
        return { policy: insertPolicy(tx, scope, { id: uuidV7(now()), projectId, groupId, role }) };
      });
    },
    deleteProjectPolicy: async ({ projectId, groupId }, context) => {
      const scope = scopeOf(context);
      await scope.store.transaction(async (tx) => {
        await found(tx, projectKind, projectId, "project");
        await deletePolicies(tx, projectId, groupId);
      });
      return {};
    },
  };
}

async function checkNamed(tx: Transaction, projectId: string, groupId: string): Promise<void> {
  await found(tx, projectKind, projectId, "project");
  await found(tx, groupKind, groupId, "group");
}

/** All roles of a group on a project: GroupService may have given it several. */
async function policyRows(tx: Transaction, projectId: string, groupId: string): Promise<readonly Stored<typeof RoleAssignmentSchema>[]> {
  const where = { projectIds: [projectId], parentIds: [groupId], phases: [ResourceType.PROJECT] };
  return tx.all(roleAssignmentKind, { where });
}

/** Takes away every role that a group has on the project. */
async function deletePolicies(tx: Transaction, projectId: string, groupId: string): Promise<void> {
  const rows = await policyRows(tx, projectId, groupId);
  if (rows.length === 0) throw new BerthError("resource-not-found", `the project has no policy for the group ${groupId}`);
  for (const row of rows) tx.delete(roleAssignmentKind, row);
}

function insertPolicy(
  tx: Transaction,
  { store }: RequestScope,
  {
    id,
    projectId,
    groupId,
    role,
  }: { readonly id: string; readonly projectId: string; readonly groupId: string; readonly role: ProjectRole },
): ProjectPolicy {
  if (role === ProjectRole.UNSPECIFIED) throw new BerthError("request-invalid", "role is missing");
  const about = { resourceId: projectId, resourceType: ResourceType.PROJECT, resourceRole: resourceRoles[role] };
  tx.insert(roleAssignmentKind, id, create(RoleAssignmentSchema, { id, groupId, organizationId: store.organizationId, ...about }));
  return create(ProjectPolicySchema, { groupId, role });
}

function policyOf({ message }: Stored<typeof RoleAssignmentSchema>): ProjectPolicy {
  const { ADMIN, USER, EDITOR } = ProjectRole;
  const role = [ADMIN, USER, EDITOR].find((r) => resourceRoles[r] === message.resourceRole) ?? ProjectRole.UNSPECIFIED;
  return create(ProjectPolicySchema, { groupId: message.groupId, role });
}
