import type { ResourceKind } from "../authorization/row.ts";
import { environmentServiceKind, environmentTaskKind, taskExecutionKind } from "./automation-kinds.ts";
import { environmentClassKind, runnerKind } from "./fleet-kinds.ts";
import {
  accessTokenKind,
  groupKind,
  groupMembershipKind,
  memberKind,
  organizationKind,
  preferenceKind,
  roleAssignmentKind,
  serviceAccountKind,
} from "./identity-kinds.ts";
import { environmentKind, hostTokenKind, secretKind } from "./kinds.ts";
import { projectKind } from "./project-kinds.ts";

/** Under which names the database has what requests name. What is in no list here is not there. */
export const recordKinds: Readonly<Partial<Record<ResourceKind, readonly string[]>>> = {
  organization: [organizationKind.name],
  user: [memberKind.name],
  principal: [memberKind.name, serviceAccountKind.name],
  personalAccessToken: [accessTokenKind.name],
  serviceAccountToken: [accessTokenKind.name],
  preference: [preferenceKind.name],
  group: [groupKind.name],
  groupMembership: [groupMembershipKind.name],
  roleAssignment: [roleAssignmentKind.name],
  serviceAccount: [serviceAccountKind.name],
  ssoConfiguration: ["sso-configuration"],
  domainVerification: ["domain-verification"],
  environment: [environmentKind.name],
  project: [projectKind.name],
  runner: [runnerKind.name],
  environmentClass: [environmentClassKind.name],
  scmIntegration: ["scm-integration"],
  llmIntegration: ["llm-integration"],
  hostAuthenticationToken: [hostTokenKind.name],
  secret: [secretKind.name],
  environmentService: [environmentServiceKind.name],
  environmentTask: [environmentTaskKind.name],
  taskExecution: [taskExecutionKind.name],
  auditLogEntry: ["audit-entry"],
};

export const accessKinds: readonly string[] = [...new Set(Object.values(recordKinds).flat())];
