import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { BerthError } from "../contract/berth-error.ts";
import { type MemberRecord, MemberRecordSchema } from "../contract/gen/berth/v1/records_pb.js";
import { type Account, AccountSchema } from "../contract/gen/gitpod/v1/account_pb.js";
import { type Organization, OrganizationRole, OrganizationSchema, OrganizationTier } from "../contract/gen/gitpod/v1/organization_pb.js";
import { PersonalAccessTokenSchema, UserStatus } from "../contract/gen/gitpod/v1/user_pb.js";
import { uuidV7 } from "../lib/uuid.ts";
import { newToken } from "./access-tokens.ts";
import { accessTokenKind, accountKind, memberKind, organizationKind } from "./store/identity-kinds.ts";
import type { Store, Transaction } from "./store/store.ts";

/** A new account. Whoever makes it has checked the e-mail address. */
function newAccount(fields: { readonly name: string; readonly email: string; readonly avatarUrl?: string }, nowMs: number): Account {
  const at = timestampFromMs(nowMs);
  return create(AccountSchema, { ...fields, id: uuidV7(nowMs), createdAt: at, updatedAt: at });
}

/** Makes an organization with its first administrator. */
function insertOrganization(
  tx: Transaction,
  options: { readonly name: string; readonly account: Account; readonly loginProvider: string; readonly nowMs: number },
): { readonly organization: Organization; readonly member: MemberRecord } {
  const { name, account, loginProvider, nowMs } = options;
  const at = timestampFromMs(nowMs);
  const organization = create(OrganizationSchema, {
    id: uuidV7(nowMs),
    name,
    createdAt: at,
    updatedAt: at,
    tier: OrganizationTier.ENTERPRISE,
  });
  const role = OrganizationRole.ADMIN;
  const member = newMember({ organizationId: organization.id, account, role, loginProvider, nowMs });
  tx.insert(organizationKind, organization.id, organization);
  tx.insert(memberKind, member.user?.id ?? "", member);
  return { organization, member };
}

/** An account as a user of an organization. */
function newMember(options: {
  readonly organizationId: string;
  readonly account: Account;
  readonly role: OrganizationRole;
  readonly loginProvider: string;
  readonly nowMs: number;
}): MemberRecord {
  const { organizationId, account, role, loginProvider, nowMs } = options;
  const { id: accountId, name, email, avatarUrl } = account;
  const at = timestampFromMs(nowMs);
  const user = { id: uuidV7(nowMs), organizationId, name, email, avatarUrl, createdAt: at, status: UserStatus.ACTIVE };
  return create(MemberRecordSchema, { user, accountId, role, memberSince: at, loginProvider });
}

/** How long the token of a first administrator is good; by then there is another way to sign in. */
const firstTokenValidMs = 24 * 60 * 60_000;

/** Makes an organization, its administrator, and a token to begin with. Fails with `resource-exists` when there is an organization already. */
export async function createFirstAdministrator(
  store: Store,
  fields: { readonly organization: string; readonly name: string; readonly email: string },
  now: () => number,
): Promise<{ readonly organizationId: string; readonly userId: string; readonly token: string }> {
  const system = store.system("installation");
  if ((await system.count(organizationKind)) > 0) throw new BerthError("resource-exists", "this installation has an organization already");
  const nowMs = now();
  const { token, hash } = newToken("personal");
  return system.transaction(async (tx) => {
    const account = newAccount(fields, nowMs);
    tx.insert(accountKind, account.id, account);
    const { organization, member } = insertOrganization(tx, { name: fields.organization, account, loginProvider: "bootstrap", nowMs });
    const userId = member.user?.id ?? "";
    const id = uuidV7(nowMs);
    const expiresAt = timestampFromMs(nowMs + firstTokenValidMs);
    const personal = { id, userId, description: "First administrator", createdAt: timestampFromMs(nowMs), expiresAt };
    tx.insert(
      accessTokenKind,
      id,
      create(accessTokenKind.schema, { hash, token: { case: "personal", value: create(PersonalAccessTokenSchema, personal) } }),
      { organizationId: organization.id },
    );
    return { organizationId: organization.id, userId, token };
  });
}
