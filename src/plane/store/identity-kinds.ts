import {
  AccessTokenRecordSchema,
  InviteDomainRecordSchema,
  LoginRecordSchema,
  MemberRecordSchema,
  UserPreferenceRecordSchema,
  type AccessTokenRecord,
} from "../../contract/gen/berth/v1/records_pb.js";
import { AccountSchema } from "../../contract/gen/gitpod/v1/account_pb.js";
import { ResourceType } from "../../contract/gen/gitpod/v1/event_pb.js";
import { GroupMembershipSchema, GroupSchema, RoleAssignmentSchema } from "../../contract/gen/gitpod/v1/group_pb.js";
import type { Subject } from "../../contract/gen/gitpod/v1/identity_pb.js";
import { OrganizationInviteSchema, OrganizationPoliciesSchema, OrganizationSchema } from "../../contract/gen/gitpod/v1/organization_pb.js";
import { ServiceAccountSchema } from "../../contract/gen/gitpod/v1/service_account_pb.js";
import { DotfilesConfigurationSchema } from "../../contract/gen/gitpod/v1/user_pb.js";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import { type Columns, defineKind } from "./kind.ts";
import { msField } from "./kinds.ts";

/** Records of accounts belong to no organization; only views beyond organizations see them. */
const noOrganization = "-";

/** One record that every key of the installation opens, so that a wrong key is told at the start. */
export const keyCheckKind = defineKind({ name: "key-check", schema: EmptySchema, columns: () => ({ organizationId: noOrganization }) });

export const accountKind = defineKind({
  name: "account",
  schema: AccountSchema,
  columns: ({ name, email, createdAt }) => ({
    organizationId: noOrganization,
    searchText: [name, email].join("\n"),
    ...msField("createdAtMs", createdAt),
  }),
});

export const loginKind = defineKind({
  name: "login",
  schema: LoginRecordSchema,
  columns: ({ accountId, issuer, subject }) => ({
    organizationId: noOrganization,
    parentId: accountId,
    lookupKey: loginLookupKey(issuer, subject),
  }),
});

/** What an account is found by when somebody signs in. */
export function loginLookupKey(issuer: string, subject: string): string {
  return JSON.stringify([issuer, subject]);
}

export const organizationKind = defineKind({
  name: "organization",
  schema: OrganizationSchema,
  resourceType: ResourceType.ORGANIZATION,
  columns: ({ id, name, createdAt }) => ({ organizationId: id, searchText: name, ...msField("createdAtMs", createdAt) }),
});

/** The id of the record is that of its organization. */
export const organizationPoliciesKind = defineKind({
  name: "organization-policies",
  schema: OrganizationPoliciesSchema,
  resourceType: ResourceType.ORGANIZATION_POLICY,
  columns: ({ organizationId }) => ({ organizationId }),
});

export const inviteKind = defineKind({
  name: "organization-invite",
  schema: OrganizationInviteSchema,
  // One is good at a time.
  columns: () => ({ nameKey: "invite" }),
});

export const inviteDomainKind = defineKind({
  name: "invite-domain",
  schema: InviteDomainRecordSchema,
  columns: ({ organizationId, domain }) => ({ organizationId, parentId: domain.toLowerCase(), nameKey: domain.toLowerCase() }),
});

/** A user: an account in one organization. The id is the user's; the parent is the account. */
export const memberKind = defineKind({
  name: "member",
  schema: MemberRecordSchema,
  resourceType: ResourceType.USER,
  columns: ({ user, accountId, role, memberSince }): Columns => ({
    organizationId: user?.organizationId ?? "",
    creatorId: user?.id ?? "",
    parentId: accountId,
    role,
    phase: user?.status ?? 0,
    nameKey: accountId,
    searchText: [user?.name, user?.email].join("\n"),
    sortText: user?.name ?? "",
    ...msField("createdAtMs", memberSince),
  }),
});

export const accessTokenKind = defineKind({
  name: "access-token",
  schema: AccessTokenRecordSchema,
  columns: ({ hash, token }: AccessTokenRecord): Columns => ({
    lookupKey: hash,
    parentId: (token.case === "personal" ? token.value.userId : token.value?.serviceAccountId) ?? "",
    creatorId: token.value?.creator?.id ?? "",
    ...msField("expiresAtMs", token.value?.expiresAt),
  }),
});

export const preferenceKind = defineKind({
  name: "user-preference",
  schema: UserPreferenceRecordSchema,
  columns: ({ userId, preference }) => ({ creatorId: userId, parentId: userId, nameKey: `${userId}/${preference?.key}` }),
});

/** The id of the record is that of its user. */
export const dotfilesKind = defineKind({ name: "dotfiles", schema: DotfilesConfigurationSchema, columns: () => ({}) });

export const groupKind = defineKind({
  name: "group",
  schema: GroupSchema,
  resourceType: ResourceType.GROUP,
  columns: ({ organizationId, name, description, systemManaged, directShare, createdAt }) => ({
    organizationId,
    nameKey: name.toLowerCase(),
    searchText: [name, description].join("\n"),
    sortText: name,
    role: systemManaged ? 1 : 0,
    phase: directShare ? 1 : 0,
    ...msField("createdAtMs", createdAt),
  }),
});

export const groupMembershipKind = defineKind({
  name: "group-membership",
  schema: GroupMembershipSchema,
  columns: ({ groupId, subject, name }) => ({
    parentId: groupId,
    creatorId: subject?.id ?? "",
    nameKey: membershipNameKey(groupId, subject),
    searchText: name,
  }),
});

export function membershipNameKey(groupId: string, subject: Subject | undefined): string {
  return `${groupId}/${subject?.principal}/${subject?.id}`;
}

export const roleAssignmentKind = defineKind({
  name: "role-assignment",
  schema: RoleAssignmentSchema,
  columns: ({ organizationId, groupId, resourceId, resourceType, resourceRole }) => ({
    organizationId,
    parentId: groupId,
    projectId: resourceId,
    phase: resourceType,
    role: resourceRole,
    nameKey: [groupId, resourceType, resourceId, resourceRole].join("/"),
  }),
});

export const serviceAccountKind = defineKind({
  name: "service-account",
  schema: ServiceAccountSchema,
  resourceType: ResourceType.SERVICE_ACCOUNT,
  columns: ({ organizationId, name, description, creator, suspended, createdAt, validUntil }) => ({
    organizationId,
    creatorId: creator?.id ?? "",
    nameKey: name.toLowerCase(),
    searchText: [name, description].join("\n"),
    phase: suspended ? 1 : 0,
    ...msField("createdAtMs", createdAt),
    ...msField("expiresAtMs", validUntil),
  }),
});
