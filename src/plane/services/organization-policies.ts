import { create } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import {
  AgentPolicySchema,
  type OrganizationPolicies,
  OrganizationPoliciesSchema,
  type OrganizationService,
  type UpdateOrganizationPoliciesRequest,
} from "../../contract/gen/gitpod/v1/organization_pb.js";
import type { RequestScope } from "../request-scope.ts";
import { organizationPoliciesKind } from "../store/identity-kinds.ts";
import type { Reader } from "../store/store.ts";
import { editorIdOf, isEditorAllowed } from "./editors.ts";
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

/** Says no in the name of an organization's policy, by its name in the API. */
export function refuseByPolicy(policy: string, detail: string): never {
  throw new BerthError("policy-refused", `${policy}: ${detail}`);
}

/** Whether somebody keeps projects for the organization, so that policies about members' projects are not for them. */
export function mayAdministerProjects({ principal }: RequestScope): boolean {
  const roles = principal !== undefined && "organizationRoles" in principal ? principal.organizationRoles : undefined;
  return roles === undefined || roles.has("admin") || roles.has("projectsAdmin");
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
  refuseUnheld(request);
  checkEditors(policies, request);
  const given = Object.fromEntries(Object.entries(simple).filter(([, value]) => value !== undefined));
  return create(OrganizationPoliciesSchema, {
    ...policies,
    ...given,
    organizationId,
    ...(allowedEditorIds.length === 0 ? {} : { allowedEditorIds }),
    ...(Object.keys(editorVersionRestrictions).length === 0 ? {} : { editorVersionRestrictions }),
  });
}

/** What would be kept and not hold is not taken: an administrator would believe it did. */
function refuseUnheld(request: UpdateOrganizationPoliciesRequest): void {
  const { maximumEnvironmentTimeout, vetoExecPolicy, vetoFilePolicy } = request;
  if (maximumEnvironmentTimeout !== undefined && durationMs(maximumEnvironmentTimeout) > 0)
    refuse("maximum_environment_timeout: an environment runs until it is stopped");
  if (Object.keys(request.editorVersionRestrictions).length > 0)
    refuse("editor_version_restrictions: the editor that is installed is opened");
  if (request.restrictAccountCreationToScim === true) refuse("restrict_account_creation_to_scim: there is no SCIM");
  if (request.requireCustomDomainAccess === true) refuse("require_custom_domain_access: there are no custom domains");
  if (vetoExecPolicy?.enabled === true) refuse("veto_exec_policy: environments have no kernel controls");
  if (vetoFilePolicy?.enabled === true) refuse("veto_file_policy: environments have no kernel controls");
  if ((request.securityPolicyId ?? "") !== "") refuse("security_policy_id");
}

/** Nobody is left with editors that are not there. */
function checkEditors(policies: OrganizationPolicies, { allowedEditorIds, defaultEditorId }: UpdateOrganizationPoliciesRequest): void {
  for (const id of allowedEditorIds)
    if (editorIdOf(id) === undefined) throw new BerthError("request-invalid", `allowed_editor_ids: there is no editor '${id}'`);
  if (defaultEditorId === undefined || defaultEditorId === "") return;
  if (editorIdOf(defaultEditorId) === undefined)
    throw new BerthError("request-invalid", `default_editor_id: there is no editor '${defaultEditorId}'`);
  if (!isEditorAllowed(allowedEditorIds.length === 0 ? policies.allowedEditorIds : allowedEditorIds, defaultEditorId))
    throw new BerthError("request-invalid", "default_editor_id: it is none of the allowed ones");
}
