import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import {
  type AccountMembership,
  AccountMembershipSchema,
  AccountSchema,
  type AccountService,
} from "../../contract/gen/gitpod/v1/account_pb.js";
import { OrganizationTier } from "../../contract/gen/gitpod/v1/organization_pb.js";
import { UserStatus } from "../../contract/gen/gitpod/v1/user_pb.js";
import { auditedStore } from "../audit/audited-store.ts";
import { callerOf } from "../caller.ts";
import type { TellTokensGone } from "../credentials-of.ts";
import { auditOrigin } from "../request-scope.ts";
import { deleteMember, mailDomainOf } from "../membership.ts";
import { paginate } from "../pagination.ts";
import { accountKind, inviteDomainKind, loginKind, memberKind, organizationKind } from "../store/identity-kinds.ts";
import type { PageTokens } from "../store/page-tokens.ts";
import type { Store } from "../store/store.ts";
import { found } from "./found.ts";
import type { EndSignIns } from "./organization-dependencies.ts";
import { accountOf } from "./organization-service.ts";

/** gitpod.v1.AccountService without the methods of sign-in: people across organizations. */
export function accountService({
  store,
  tokens,
  now,
  endSignIns,
  tellTokensGone,
}: {
  readonly store: Store;
  readonly tokens: PageTokens;
  readonly now: () => number;
  readonly endSignIns: EndSignIns;
  readonly tellTokensGone: TellTokensGone;
}): Partial<ServiceImpl<typeof AccountService>> {
  const system = store.system("accounts");
  return {
    getAccount: async (_request, context) => {
      const account = await accountOf(store, callerOf(context));
      return { account: create(AccountSchema, { ...account, memberships: await membershipsOf(store, account.id) }) };
    },
    deleteAccount: async ({ accountId }, context) => {
      const origin = auditOrigin(context, now);
      const members = await system.all(memberKind, { where: { parentIds: [accountId] } });
      // A suspension would be forgotten with the account, and its person come in again as somebody new.
      if (members.some(({ message }) => message.user?.status === UserStatus.SUSPENDED))
        throw new BerthError("not-allowed", "an organization suspended you; its administrators delete you there first");
      // One organization after the other: being the last administrator of one keeps the account, and what was left is told again.
      for (const { organizationId, id } of members) {
        const hostTokens = await auditedStore(store.inOrganization(organizationId), origin).transaction(async (tx) => {
          const member = await tx.get(memberKind, id);
          return member === undefined ? [] : deleteMember(tx, member);
        });
        await tellTokensGone(hostTokens);
        await endSignIns({ organizationId, accountId });
      }
      await system.transaction(async (tx) => {
        for (const login of await tx.all(loginKind, { where: { parentIds: [accountId] } })) tx.delete(loginKind, login);
        tx.delete(accountKind, await found(tx, accountKind, accountId, "account"));
      });
      return {};
    },
    listJoinableOrganizations: async ({ pagination }, context) => {
      const account = await accountOf(store, callerOf(context));
      const domains = await system.all(inviteDomainKind, { where: { parentIds: [mailDomainOf(account.email)] } });
      const joined = new Set((await membershipsOf(store, account.id)).map((m) => m.organizationId));
      const ids = domains.map(({ organizationId }) => organizationId).filter((id) => !joined.has(id));
      const list = `joinable/${account.id}`;
      const { page, nextToken } = paginate(ids.toSorted(), (id) => id, pagination, { tokens, list });
      const joinableOrganizations = await Promise.all(page.map(async (organizationId) => summaryOf(store, organizationId)));
      return { joinableOrganizations, pagination: { nextToken } };
    },
  };
}

async function membershipsOf(store: Store, accountId: string): Promise<AccountMembership[]> {
  const active = { parentIds: [accountId], phases: [UserStatus.ACTIVE] };
  const members = await store.system("accounts").all(memberKind, { where: active });
  return Promise.all(
    members.map(async ({ id, organizationId, message }) =>
      create(AccountMembershipSchema, {
        ...(await summaryOf(store, organizationId)),
        userId: id,
        userRole: message.role,
        organizationTier: OrganizationTier.ENTERPRISE,
      }),
    ),
  );
}

async function summaryOf(
  store: Store,
  organizationId: string,
): Promise<{ organizationId: string; organizationName: string; organizationMemberCount: number }> {
  const organization = store.inOrganization(organizationId);
  const { name } = (await found(organization, organizationKind, organizationId, "organization")).message;
  const organizationMemberCount = await organization.count(memberKind, { phases: [UserStatus.ACTIVE] });
  return { organizationId, organizationName: name, organizationMemberCount };
}
