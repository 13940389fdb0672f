import { AuditRecordSchema } from "../../contract/gen/berth/v1/audit_records_pb.js";
import { ResourceType } from "../../contract/gen/gitpod/v1/event_pb.js";
import { defineKind } from "../store/kind.ts";
import { msField } from "../store/kinds.ts";

/** The audit log of an organization. */
export const auditKind = defineKind({
  name: "audit-entry",
  schema: AuditRecordSchema,
  isAppendOnly: true,
  columns: ({ organizationId, actor, subjectId, subjectType, createdAt }) => ({
    organizationId,
    creatorId: actor?.id ?? "",
    role: actor?.principal ?? 0,
    parentId: subjectId,
    phase: subjectType,
    ...msField("createdAtMs", createdAt),
  }),
});

/** What the log calls a record that watchers are not told of. */
export const auditedTypes: ReadonlyMap<string, ResourceType> = new Map([
  ["secret", ResourceType.SECRET],
  ["host-token", ResourceType.HOST_AUTHENTICATION_TOKEN],
  ["sealed-host-token", ResourceType.HOST_AUTHENTICATION_TOKEN],
  ["access-token", ResourceType.PERSONAL_ACCESS_TOKEN],
  ["user-preference", ResourceType.USER_PREFERENCE],
  ["dotfiles", ResourceType.USER],
  ["group-membership", ResourceType.GROUP_MEMBERSHIP_CHANGED],
  ["role-assignment", ResourceType.ROLE_ASSIGNMENT],
  ["organization-invite", ResourceType.ORGANIZATION],
  ["invite-domain", ResourceType.ORGANIZATION],
  ["scm-integration", ResourceType.RUNNER_SCM_INTEGRATION],
  ["llm-integration", ResourceType.RUNNER_LLM_INTEGRATION],
  ["sso-configuration", ResourceType.SSO_CONFIG],
  ["domain-verification", ResourceType.DOMAIN_VERIFICATION],
  ["environment-service", ResourceType.SERVICE],
  ["environment-task", ResourceType.TASK],
  ["task-execution", ResourceType.TASK_EXECUTION],
]);
