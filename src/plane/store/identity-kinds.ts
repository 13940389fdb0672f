import {
  AccountBlockRecordSchema,
  type AccessTokenRecord,
  AccessTokenRecordSchema,
  MemberRecordSchema,
} from "../../contract/gen/berth/v1/records_pb.js";
import { AccountSchema } from "../../contract/gen/gitpod/v1/account_pb.js";
import { ResourceType } from "../../contract/gen/gitpod/v1/event_pb.js";
import { OrganizationSchema } from "../../contract/gen/gitpod/v1/organization_pb.js";
import { ServiceAccountSchema } from "../../contract/gen/gitpod/v1/service_account_pb.js";
import { type Columns, defineKind } from "./kind.ts";
import { msField } from "./kinds.ts";

/** Records of accounts belong to no organization; only views beyond organizations see them. */
const noOrganization = "-";

export const accountKind = defineKind({
  name: "account",
  schema: AccountSchema,
  columns: ({ name, email, createdAt }) => ({
    organizationId: noOrganization,
    searchText: [name, email].join("\n"),
    ...msField("createdAtMs", createdAt),
  }),
});

export const accountBlockKind = defineKind({
  name: "account-block",
  schema: AccountBlockRecordSchema,
  columns: () => ({ organizationId: noOrganization }),
});

export const organizationKind = defineKind({
  name: "organization",
  schema: OrganizationSchema,
  resourceType: ResourceType.ORGANIZATION,
  columns: ({ id, name, createdAt }) => ({ organizationId: id, searchText: name, ...msField("createdAtMs", createdAt) }),
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
