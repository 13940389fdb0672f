import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { ResourceType } from "../../contract/gen/gitpod/v1/event_pb.js";
import { ResourceRole, RoleAssignmentSchema } from "../../contract/gen/gitpod/v1/group_pb.js";
import { type RunnerPolicy, RunnerPolicySchema, RunnerRole, type RunnerService } from "../../contract/gen/gitpod/v1/runner_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import { runnerKind } from "../store/fleet-kinds.ts";
import { groupKind, roleAssignmentKind } from "../store/identity-kinds.ts";
import type { Stored, Transaction } from "../store/store.ts";
import { found } from "./found.ts";
import type { RunnerDependencies } from "./runner-administration.ts";

const resourceRoles: Readonly<Record<RunnerRole, ResourceRole>> = {
  [RunnerRole.UNSPECIFIED]: ResourceRole.UNSPECIFIED,
  [RunnerRole.ADMIN]: ResourceRole.RUNNER_ADMIN,
  [RunnerRole.USER]: ResourceRole.RUNNER_USER,
};

/** Policies of a runner: what a group may do with it, kept as the group's role assignment. */
export function runnerPolicies({ scopeOf, now }: Pick<RunnerDependencies, "scopeOf" | "now">): Partial<ServiceImpl<typeof RunnerService>> {
  const set = async (tx: Transaction, wanted: Omit<NewPolicy, "id">): Promise<RunnerPolicy> =>
    insertPolicy(tx, { ...wanted, id: uuidV7(now()) });
  return {
    listRunnerPolicies: async ({ runnerId, pagination }, context) => {
      const { store } = scopeOf(context);
      await found(store, runnerKind, runnerId, "runner");
      const where = { projectIds: [runnerId], phases: [ResourceType.RUNNER] };
      const { items, nextToken } = await store.list(roleAssignmentKind, pagination, { where });
      return { policies: items.map(policyOf), pagination: { nextToken } };
    },
    createRunnerPolicy: async ({ runnerId, groupId, role }, context) => {
      const scope = scopeOf(context);
      const { organizationId } = scope.store;
      return scope.store.transaction(async (tx) => {
        await checkNamed(tx, runnerId, groupId);
        if ((await policyRows(tx, runnerId, groupId)).length > 0) throw new BerthError("resource-exists", "a policy for this group");
        return { policy: await set(tx, { organizationId, runnerId, groupId, role }) };
      });
    },
    updateRunnerPolicy: async ({ runnerId, groupId, role }, context) => {
      const scope = scopeOf(context);
      const { organizationId } = scope.store;
      return scope.store.transaction(async (tx) => {
        await checkNamed(tx, runnerId, groupId);
        await deletePolicies(tx, runnerId, groupId);
        return { policy: await set(tx, { organizationId, runnerId, groupId, role }) };
      });
    },
    deleteRunnerPolicy: async ({ runnerId, groupId }, context) => {
      const scope = scopeOf(context);
      await scope.store.transaction(async (tx) => deletePolicies(tx, runnerId, groupId));
      return {};
    },
  };
}

interface NewPolicy {
  readonly id: string;
  readonly organizationId: string;
  readonly runnerId: string;
  readonly groupId: string;
  readonly role: RunnerRole;
}

async function checkNamed(tx: Transaction, runnerId: string, groupId: string): Promise<void> {
  await found(tx, runnerKind, runnerId, "runner");
  await found(tx, groupKind, groupId, "group");
}

/** All roles of a group on a runner: GroupService may have given it several. */
async function policyRows(tx: Transaction, runnerId: string, groupId: string): Promise<readonly Stored<typeof RoleAssignmentSchema>[]> {
  const where = { projectIds: [runnerId], parentIds: [groupId], phases: [ResourceType.RUNNER] };
  return tx.all(roleAssignmentKind, { where });
}

/** Takes away every role that a group has on the runner. */
async function deletePolicies(tx: Transaction, runnerId: string, groupId: string): Promise<void> {
  const rows = await policyRows(tx, runnerId, groupId);
  if (rows.length === 0) throw new BerthError("resource-not-found", `the runner has no policy for the group ${groupId}`);
  for (const row of rows) tx.delete(roleAssignmentKind, row);
}

function insertPolicy(tx: Transaction, { id, organizationId, runnerId, groupId, role }: NewPolicy): RunnerPolicy {
  if (role === RunnerRole.UNSPECIFIED) throw new BerthError("request-invalid", "role is missing");
  const about = { resourceId: runnerId, resourceType: ResourceType.RUNNER, resourceRole: resourceRoles[role] };
  tx.insert(roleAssignmentKind, id, create(RoleAssignmentSchema, { id, groupId, organizationId, ...about }));
  return create(RunnerPolicySchema, { groupId, role });
}

function policyOf({ message }: Stored<typeof RoleAssignmentSchema>): RunnerPolicy {
  const role = [RunnerRole.ADMIN, RunnerRole.USER].find((r) => resourceRoles[r] === message.resourceRole) ?? RunnerRole.UNSPECIFIED;
  return create(RunnerPolicySchema, { groupId: message.groupId, role });
}
