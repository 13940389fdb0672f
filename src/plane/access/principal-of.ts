import { ResourceType } from "../../contract/gen/gitpod/v1/event_pb.js";
import { ResourceRole } from "../../contract/gen/gitpod/v1/group_pb.js";
import { Principal as ApiPrincipal } from "../../contract/gen/gitpod/v1/identity_pb.js";
import type { OrganizationRole, Principal, TokenLimits } from "../../contract/principal.ts";
import type { Caller } from "../caller.ts";
import { groupMembershipKind, roleAssignmentKind } from "../store/identity-kinds.ts";
import type { Reader, Store } from "../store/store.ts";

/** What a group's role on the organization makes of its members. */
export const organizationWideRoles: ReadonlyMap<ResourceRole, OrganizationRole> = new Map([
  [ResourceRole.ORG_ADMIN, "admin"],
  [ResourceRole.ORG_RUNNERS_ADMIN, "runnersAdmin"],
  [ResourceRole.ORG_PROJECTS_ADMIN, "projectsAdmin"],
  [ResourceRole.ORG_AUTOMATIONS_ADMIN, "automationsAdmin"],
  [ResourceRole.ORG_GROUPS_ADMIN, "groupsAdmin"],
  [ResourceRole.ORG_SECURITY_ADMIN, "securityAdmin"],
  [ResourceRole.ORG_ENVIRONMENTS_READER, "environmentsReader"],
  [ResourceRole.ORG_AUDIT_LOG_READER, "auditLogReader"],
  [ResourceRole.ORG_BILLING_VIEWER, "billingViewer"],
  [ResourceRole.ORG_INSIGHTS_VIEWER, "insightsViewer"],
]);

/** Who calls, as the policy knows them: their credential's limits, and the roles that they and their groups have now. */
export async function principalOf(store: Store, caller: Caller | undefined): Promise<Principal | undefined> {
  if (caller === undefined) return undefined;
  const { id, organizationId, accountId } = caller;
  switch (caller.principal) {
    case ApiPrincipal.ACCOUNT:
      return { kind: "account", id };
    case ApiPrincipal.USER:
      return { kind: "user", id, accountId, organizationId, organizationRoles: await rolesOf(store, caller), token: limitsOf(caller) };
    case ApiPrincipal.SERVICE_ACCOUNT:
      return { kind: "serviceAccount", id, organizationId, organizationRoles: await rolesOf(store, caller), token: limitsOf(caller) };
    case ApiPrincipal.RUNNER:
      return { kind: "runner", id, organizationId };
    case ApiPrincipal.ENVIRONMENT:
      return { kind: "environment", id, organizationId };
    default:
      return undefined;
  }
}

/** The groups that somebody is in. */
export async function groupsOf(reader: Reader, principalId: string): Promise<string[]> {
  return (await reader.all(groupMembershipKind, { where: { creatorIds: [principalId] } })).map(({ message }) => message.groupId);
}

function limitsOf({ isReadOnly, scopes }: Caller): TokenLimits | undefined {
  return isReadOnly || scopes !== undefined ? { readOnly: isReadOnly, scopes } : undefined;
}

async function rolesOf(store: Store, { id, organizationId, isAdministrator }: Caller): Promise<ReadonlySet<OrganizationRole>> {
  const own: readonly OrganizationRole[] = isAdministrator ? ["admin"] : [];
  const organization = store.inOrganization(organizationId);
  const groups = await groupsOf(organization, id);
  if (groups.length === 0) return new Set(own);
  const assignments = await organization.all(roleAssignmentKind, { where: { parentIds: groups, phases: [ResourceType.ORGANIZATION] } });
  return new Set([...own, ...assignments.flatMap(({ message }) => organizationWideRoles.get(message.resourceRole) ?? [])]);
}
