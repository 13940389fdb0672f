import { ResourceType } from "../../../../contract/gen/gitpod/v1/event_pb.js";
import { Principal } from "../../../../contract/gen/gitpod/v1/identity_pb.js";

/** What is looked for most, by what it is about. */
const resources = {
  all: [],
  members: [
    ResourceType.USER,
    ResourceType.ORGANIZATION,
    ResourceType.GROUP,
    ResourceType.GROUP_MEMBERSHIP_CHANGED,
    ResourceType.ROLE_ASSIGNMENT,
  ],
  signIn: [ResourceType.SSO_CONFIG, ResourceType.DOMAIN_VERIFICATION, ResourceType.ACCOUNT],
  tokens: [ResourceType.PERSONAL_ACCESS_TOKEN, ResourceType.SERVICE_ACCOUNT_TOKEN, ResourceType.HOST_AUTHENTICATION_TOKEN],
  secrets: [ResourceType.SECRET, ResourceType.USER_SECRET, ResourceType.ORGANIZATION_SECRET, ResourceType.SERVICE_ACCOUNT_SECRET],
  runners: [ResourceType.RUNNER, ResourceType.ENVIRONMENT_CLASS, ResourceType.RUNNER_SCM_INTEGRATION],
  projects: [ResourceType.PROJECT, ResourceType.PROJECT_ENVIRONMENT_CLASS],
  policies: [ResourceType.ORGANIZATION_POLICY, ResourceType.SECURITY_POLICY],
  environments: [ResourceType.ENVIRONMENT],
} as const satisfies Record<string, readonly ResourceType[]>;
export type ResourceFilter = keyof typeof resources;
export const resourceFilters = [
  "all",
  "members",
  "signIn",
  "tokens",
  "secrets",
  "runners",
  "projects",
  "policies",
  "environments",
] as const satisfies readonly ResourceFilter[];

const principals = {
  all: [],
  people: [Principal.USER, Principal.ACCOUNT],
  serviceAccounts: [Principal.SERVICE_ACCOUNT],
  runners: [Principal.RUNNER],
  environments: [Principal.ENVIRONMENT],
} as const satisfies Record<string, readonly Principal[]>;
export type PrincipalFilter = keyof typeof principals;
export const principalFilters = [
  "all",
  "people",
  "serviceAccounts",
  "runners",
  "environments",
] as const satisfies readonly PrincipalFilter[];

interface Named {
  readonly id: string;
  readonly name: string;
}

/** What of the audit log is looked for. */
export interface Looking {
  readonly resource: ResourceFilter;
  readonly principal: PrincipalFilter;
  /** As inputs of days have them; empty for none. */
  readonly fromDay: string;
  readonly toDay: string;
  readonly actor: Named | undefined;
  readonly subject: Named | undefined;
}

export const everything: Looking = { resource: "all", principal: "all", fromDay: "", toDay: "", actor: undefined, subject: undefined };

export function resourcesOf(filter: ResourceFilter): readonly ResourceType[] {
  return resources[filter];
}

export function principalsOf(filter: PrincipalFilter): readonly Principal[] {
  return principals[filter];
}
