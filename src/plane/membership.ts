import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { BerthError } from "../contract/berth-error.ts";
import { InviteDomainRecordSchema, type MemberRecord, MemberRecordSchema } from "../contract/gen/berth/v1/records_pb.js";
import { type Account, AccountSchema } from "../contract/gen/gitpod/v1/account_pb.js";
import {
  type Organization,
  type OrganizationMember,
  OrganizationMemberSchema,
  OrganizationRole,
  OrganizationSchema,
  OrganizationTier,
} from "../contract/gen/gitpod/v1/organization_pb.js";
import type { HostAuthenticationToken } from "../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { PersonalAccessTokenSchema, UserSchema, UserStatus } from "../contract/gen/gitpod/v1/user_pb.js";
import { uuidV7 } from "../lib/uuid.ts";
import { newToken } from "./access-tokens.ts";
import { deleteAccess, deleteCredentials } from "./credentials-of.ts";
import {
  accessTokenKind,
  accountKind,
  dotfilesKind,
  inviteDomainKind,
  memberKind,
  organizationKind,
  preferenceKind,
} from "./store/identity-kinds.ts";
import type { Store, Stored, Transaction } from "./store/store.ts";

/** A new account. Whoever makes it has checked the e-mail address. */
export function newAccount(fields: { readonly name: string; readonly email: string; readonly avatarUrl?: string }, nowMs: number): Account {
  const at = timestampFromMs(nowMs);
  return create(AccountSchema, { ...fields, id: uuidV7(nowMs), createdAt: at, updatedAt: at });
}

/** Makes an organization with its first administrator. */
export function insertOrganization(
  tx: Transaction,
  options: {
    readonly name: string;
    readonly account: Account;
    readonly loginProvider: string;
    readonly nowMs: number;
    /** People of these mail domains may join. */
    readonly inviteDomains?: readonly string[];
  },
): { readonly organization: Organization; readonly member: MemberRecord } {
  const { name, account, loginProvider, nowMs, inviteDomains = [] } = options;
  const at = timestampFromMs(nowMs);
  const organization = create(OrganizationSchema, {
    id: uuidV7(nowMs),
    name,
    createdAt: at,
    updatedAt: at,
    tier: OrganizationTier.ENTERPRISE,
    ...(inviteDomains.length === 0 ? {} : { inviteDomains: { domains: [...inviteDomains] } }),
  });
  const role = OrganizationRole.ADMIN;
  const member = newMember({ organizationId: organization.id, account, role, loginProvider, nowMs });
  tx.insert(organizationKind, organization.id, organization);
  tx.insert(memberKind, member.user?.id ?? "", member);
  for (const domain of inviteDomains) insertInviteDomain(tx, organization.id, domain, nowMs);
  return { organization, member };
}

/** Lets people of a mail domain join an organization. */
export function insertInviteDomain(tx: Transaction, organizationId: string, domain: string, nowMs: number): void {
  const id = uuidV7(nowMs);
  tx.insert(inviteDomainKind, id, create(InviteDomainRecordSchema, { id, organizationId, domain }));
}

/** An account as a user of an organization. */
export function newMember(options: {
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

/** Makes an account a member; one who left comes back as the same user. Fails with `not-allowed` for who is suspended. */
export async function joinOrganization(tx: Transaction, options: Parameters<typeof newMember>[0]): Promise<MemberRecord> {
  const stored = await tx.find(memberKind, { nameKey: options.account.id });
  if (stored === undefined) {
    const member = newMember(options);
    tx.insert(memberKind, member.user?.id ?? "", member);
    return member;
  }
  const { user } = stored.message;
  if (user?.status === UserStatus.SUSPENDED) throw new BerthError("not-allowed", "an administrator suspended you there");
  if (user?.status === UserStatus.ACTIVE) return stored.message;
  const { role, loginProvider, nowMs } = options;
  const { name, email, avatarUrl } = options.account;
  const fresh = create(UserSchema, { ...(user ?? create(UserSchema)), name, email, avatarUrl, status: UserStatus.ACTIVE });
  const back = { role, loginProvider, memberSince: timestampFromMs(nowMs), user: fresh };
  const member = create(MemberRecordSchema, { ...stored.message, ...back });
  tx.update(memberKind, stored, member);
  return member;
}

/** What stands behind the @ of a mail address, in small letters. */
export function mailDomainOf(email: string): string {
  return email.slice(email.lastIndexOf("@") + 1).toLowerCase();
}

/** A member as the API shows it. */
export function memberMessage({ user, role, memberSince, loginProvider }: MemberRecord): OrganizationMember {
  return create(OrganizationMemberSchema, {
    userId: user?.id ?? "",
    role,
    avatarUrl: user?.avatarUrl ?? "",
    fullName: user?.name ?? "",
    email: user?.email ?? "",
    status: user?.status ?? UserStatus.UNSPECIFIED,
    loginProvider,
    ...(memberSince === undefined ? {} : { memberSince }),
  });
}

/** Fails with `request-invalid` when the organization would be left without an active administrator but for this user. */
export async function keepAnAdministrator(tx: Transaction, withoutUserId: string): Promise<void> {
  const administrators = await tx.all(memberKind, { where: { roles: [OrganizationRole.ADMIN], phases: [UserStatus.ACTIVE] } });
  if (administrators.length > 0 && administrators.every(({ id }) => id === withoutUserId))
    throw new BerthError("request-invalid", "it is the last administrator of the organization; make another one first");
}

/** Takes a member and what is theirs alone out of the organization. Gives their tokens for hosts, for the runners to hear of. */
export async function deleteMember(
  tx: Transaction,
  stored: Stored<typeof MemberRecordSchema>,
): Promise<readonly HostAuthenticationToken[]> {
  await keepAnAdministrator(tx, stored.id);
  await deleteAccess(tx, stored.id);
  const hostTokens = await deleteCredentials(tx, stored.id);
  const where = { parentIds: [stored.id] };
  for (const preference of await tx.all(preferenceKind, { where })) tx.delete(preferenceKind, preference);
  const dotfiles = await tx.get(dotfilesKind, stored.id);
  if (dotfiles !== undefined) tx.delete(dotfilesKind, dotfiles);
  tx.delete(memberKind, stored);
  return hostTokens;
}

/** Lets a member go; what they made stays theirs, and they may join again. */
export async function leaveOrganization(tx: Transaction, stored: Stored<typeof MemberRecordSchema>): Promise<void> {
  await keepAnAdministrator(tx, stored.id);
  await deleteAccess(tx, stored.id);
  const { user } = stored.message;
  if (user === undefined) return;
  const role = OrganizationRole.MEMBER;
  tx.update(memberKind, stored, create(MemberRecordSchema, { ...stored.message, role, user: { ...user, status: UserStatus.LEFT } }));
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
