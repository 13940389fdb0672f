import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { MemberRecordSchema } from "../../contract/gen/berth/v1/records_pb.js";
import { type Account } from "../../contract/gen/gitpod/v1/account_pb.js";
import { CountResponseRelation } from "../../contract/gen/gitpod/v1/count_pb.js";
import {
  type ListMembersRequest_Filter,
  ListMembersRequest_SortField,
  OrganizationRole,
  OrganizationSchema,
  type OrganizationService,
} from "../../contract/gen/gitpod/v1/organization_pb.js";
import { SortOrder } from "../../contract/gen/gitpod/v1/pagination_pb.js";
import { auditedStore, auditedTransaction } from "../audit/audited-store.ts";
import { type Caller, callerOf } from "../caller.ts";
import { auditOrigin } from "../request-scope.ts";
import {
  insertInviteDomain,
  insertOrganization,
  joinOrganization,
  keepAnAdministrator,
  leaveOrganization,
  mailDomainOf,
  memberMessage,
} from "../membership.ts";
import { accountKind, groupMembershipKind, inviteDomainKind, inviteKind, memberKind, organizationKind } from "../store/identity-kinds.ts";
import { environmentKind } from "../store/kinds.ts";
import type { OrganizationStore, Store, Where } from "../store/store.ts";
import { found } from "./found.ts";
import { organizationPolicies } from "./organization-policies.ts";
import { invites } from "./organization-invites.ts";
import type { OrganizationDependencies } from "./organization-dependencies.ts";
import { refuse } from "./supported-spec.ts";

/** What the login provider of a person is called who came by an account that was there. */
const joinedWith = "account";

/** gitpod.v1.OrganizationService: organizations, their members, invites and policies. */
export function organizationService(dependencies: OrganizationDependencies): Partial<ServiceImpl<typeof OrganizationService>> {
  return { ...organizations(dependencies), ...members(dependencies), ...invites(dependencies), ...organizationPolicies(dependencies) };
}

function organizations({ store, scopeOf, now }: OrganizationDependencies): Partial<ServiceImpl<typeof OrganizationService>> {
  return {
    createOrganization: async ({ name, joinOrganization: joins, inviteAccountsWithMatchingDomain }, context) => {
      if (!joins) refuse("join_organization: false, for nobody could reach the organization");
      const account = await accountOf(store, callerOf(context));
      const nowMs = now();
      const inviteDomains = inviteAccountsWithMatchingDomain ? [mailDomainOf(account.email)] : [];
      const { organization, member } = await auditedTransaction(
        store.system("accounts"),
        auditOrigin(context, now),
        (made: ReturnType<typeof insertOrganization>) => made.organization.id,
        async (tx) => insertOrganization(tx, { name, account, loginProvider: joinedWith, nowMs, inviteDomains }),
      );
      return { organization, member: memberMessage(member) };
    },
    getOrganization: async ({ organizationId }, context) => {
      const scope = scopeOf(context);
      return { organization: (await found(scope.store, organizationKind, organizationId, "organization")).message };
    },
    updateOrganization: async ({ organizationId, name, inviteDomains }, context) => {
      const scope = scopeOf(context);
      return scope.store.transaction(async (tx) => {
        const stored = await found(tx, organizationKind, organizationId, "organization");
        const organization = create(OrganizationSchema, {
          ...stored.message,
          ...(name === undefined ? {} : { name: nameOf(name) }),
          ...(inviteDomains === undefined ? {} : { inviteDomains }),
          updatedAt: timestampFromMs(now()),
        });
        if (inviteDomains !== undefined) {
          for (const domain of await tx.all(inviteDomainKind)) tx.delete(inviteDomainKind, domain);
          for (const domain of new Set(inviteDomains.domains.map((d) => d.toLowerCase())))
            insertInviteDomain(tx, organizationId, domain, now());
        }
        tx.update(organizationKind, stored, organization);
        return { organization };
      });
    },
    deleteOrganization: async (_request, context) => {
      const scope = scopeOf(context);
      if ((await scope.store.count(environmentKind)) > 0)
        throw new BerthError("environment-busy", "delete the organization's environments first");
      await scope.store.erase();
      return {};
    },
  };
}

function members({ store, scopeOf, now, endSignIns }: OrganizationDependencies): Partial<ServiceImpl<typeof OrganizationService>> {
  return {
    joinOrganization: async ({ joinId }, context) => {
      const account = await accountOf(store, callerOf(context));
      const organizationId = await organizationToJoin(store, account, joinId);
      const nowMs = now();
      const audited = auditedStore(store.inOrganization(organizationId), auditOrigin(context, now));
      const member = await audited.transaction(async (tx) => {
        await found(tx, organizationKind, organizationId, "organization");
        return joinOrganization(tx, { organizationId, account, role: OrganizationRole.MEMBER, loginProvider: joinedWith, nowMs });
      });
      return { member: memberMessage(member) };
    },
    leaveOrganization: async ({ userId }, context) => {
      const scope = scopeOf(context);
      const { accountId } = await scope.store.transaction(async (tx) => {
        const stored = await found(tx, memberKind, userId, "user");
        await leaveOrganization(tx, stored);
        return stored.message;
      });
      await endSignIns({ organizationId: scope.store.organizationId, accountId });
      return {};
    },
    listMembers: async ({ filter, sort, pagination, count }, context) => {
      const scope = scopeOf(context);
      const where = await membersWanted(scope.store, filter);
      const { items, nextToken } = await scope.store.list(memberKind, pagination, {
        where,
        asked: [filter ?? null],
        orderBy: sort?.field === ListMembersRequest_SortField.NAME ? "text" : "id",
        order: sort?.order === SortOrder.DESC ? "descending" : "ascending",
      });
      const value = count?.include === true ? await scope.store.count(memberKind, where) : undefined;
      return {
        members: items.map(({ message }) => memberMessage(message)),
        pagination: { nextToken },
        ...(value === undefined ? {} : { count: { value, relation: CountResponseRelation.EQ } }),
      };
    },
    setRole: async ({ userId, role }, context) => {
      const scope = scopeOf(context);
      if (role === OrganizationRole.UNSPECIFIED) throw new BerthError("request-invalid", "role is missing");
      await scope.store.transaction(async (tx) => {
        const stored = await found(tx, memberKind, userId, "user");
        if (role !== OrganizationRole.ADMIN) await keepAnAdministrator(tx, userId);
        tx.update(memberKind, stored, create(MemberRecordSchema, { ...stored.message, role }));
      });
      return {};
    },
  };
}

async function membersWanted(store: OrganizationStore, filter: ListMembersRequest_Filter | undefined): Promise<Where> {
  if (filter === undefined) return {};
  if (filter.excludeMembersInAnyTeam) refuse("filter.exclude_members_in_any_team: there are no teams");
  const excluded =
    filter.excludeGroupIds.length === 0 ? [] : await store.all(groupMembershipKind, { where: { parentIds: filter.excludeGroupIds } });
  return {
    ...(filter.search === "" ? {} : { search: filter.search }),
    ...(filter.statuses.length === 0 ? {} : { phases: filter.statuses }),
    ...(filter.roles.length === 0 ? {} : { roles: filter.roles }),
    ...(filter.userIds.length === 0 ? {} : { ids: filter.userIds }),
    ...(excluded.length === 0 ? {} : { notIds: excluded.flatMap(({ message }) => message.subject?.id ?? []) }),
  };
}

/** The account behind a caller. */
export async function accountOf(store: Store, { accountId }: Caller): Promise<Account> {
  return (await found(store.system("accounts"), accountKind, accountId, "account")).message;
}

/** The organization of an invite, or one that takes people of the account's mail domain; what may not be joined is not there. */
async function organizationToJoin(
  store: Store,
  account: Account,
  joinId: { readonly case: "organizationId" | "inviteId"; readonly value: string } | { readonly case: undefined },
): Promise<string> {
  const system = store.system("accounts");
  switch (joinId.case) {
    case "inviteId":
      return (await found(system, inviteKind, joinId.value, "invite")).organizationId;
    case "organizationId": {
      const domains = await system.all(inviteDomainKind, { where: { parentIds: [mailDomainOf(account.email)] } });
      if (domains.some(({ organizationId }) => organizationId === joinId.value)) return joinId.value;
      throw new BerthError("resource-not-found", `there is no organization ${joinId.value}`);
    }
    case undefined:
      throw new BerthError("request-invalid", "one of organization_id and invite_id has to be given");
  }
}

function nameOf(name: string): string {
  if (name.trim().length < minNameLength) throw new BerthError("request-invalid", `name: must be at least ${minNameLength} characters`);
  return name;
}

/** As CreateOrganization has it. */
const minNameLength = 3;
