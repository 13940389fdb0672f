import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  AgentPolicySchema,
  type OrganizationPolicies,
  OrganizationPoliciesSchema,
  type OrganizationService,
  type UpdateOrganizationPoliciesRequest,
} from "../../contract/gen/gitpod/v1/organization_pb.js";
import { organizationPoliciesKind } from "../store/identity-kinds.ts";
import type { Reader } from "../store/store.ts";

import type { OrganizationDependencies } from "./organization-dependencies.ts";
import { refuse } from "./supported-spec.ts";

/** Policies: what an administrator allows. They count for what is done from then on. */
export function organizationPolicies({ scopeOf }: OrganizationDependencies): Partial<ServiceImpl<typeof OrganizationService>> {
  return {
    getOrganizationPolicies: async ({ organizationId }, context) => {
      const scope = scopeOf(context);
      return { policies: await policiesOf(scope.store, organizationId) };
    },
    updateOrganizationPolicies: async (request, context) => {
      const scope = scopeOf(context);
      await scope.store.transaction(async (tx) => {
        const stored = await tx.get(organizationPoliciesKind, request.organizationId);
        const policies = updated(stored?.message ?? defaultPolicies(request.organizationId), request);
        if (stored === undefined) tx.insert(organizationPoliciesKind, request.organizationId, policies);
        else tx.update(organizationPoliciesKind, stored, policies);
      });
      return {};
    },
  };
}

/** What an organization allows; the defaults where nobody said anything. */
export async function policiesOf(reader: Reader, organizationId: string): Promise<OrganizationPolicies> {
  return (await reader.get(organizationPoliciesKind, organizationId))?.message ?? defaultPolicies(organizationId);
}

function defaultPolicies(organizationId: string): OrganizationPolicies {
  return create(OrganizationPoliciesSchema, {
    organizationId,
    membersCreateProjects: true,
    allowLocalRunners: true,
    agentPolicy: create(AgentPolicySchema),
  });
}

/** Takes over what the request names; a list or map that is not empty replaces the one there is. */
function updated(policies: OrganizationPolicies, request: UpdateOrganizationPoliciesRequest): OrganizationPolicies {
  const { $typeName: _name, $unknown: _unknown, organizationId, allowedEditorIds, editorVersionRestrictions, ...fields } = request;
  const { agentPolicy, securityAgentPolicy, ...simple } = fields;
  if (agentPolicy !== undefined) refuse("agent_policy: there are no agents");
  if (securityAgentPolicy !== undefined) refuse("security_agent_policy");
  const given = Object.fromEntries(Object.entries(simple).filter(([, value]) => value !== undefined));
  return create(OrganizationPoliciesSchema, {
    ...policies,
    ...given,
    organizationId,
    ...(allowedEditorIds.length === 0 ? {} : { allowedEditorIds }),
    ...(Object.keys(editorVersionRestrictions).length === 0 ? {} : { editorVersionRestrictions }),
  });
}
