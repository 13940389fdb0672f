import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type OrganizationInvite,
  OrganizationInviteSchema,
  type OrganizationService,
} from "../../contract/gen/gitpod/v1/organization_pb.js";
import { UserStatus } from "../../contract/gen/gitpod/v1/user_pb.js";
import { randomUUID } from "node:crypto";
import { inviteKind, memberKind, organizationKind } from "../store/identity-kinds.ts";
import type { Transaction } from "../store/store.ts";
import { found } from "./found.ts";
import type { OrganizationDependencies } from "./organization-dependencies.ts";

/** Invites: whoever knows the id of one may join, so it is random and another one ends it. */
export function invites({ store, scopeOf }: OrganizationDependencies): Partial<ServiceImpl<typeof OrganizationService>> {
  return {
    createOrganizationInvite: async (_request, context) => {
      const scope = scopeOf(context);
      return scope.store.transaction(async (tx) => {
        for (const invite of await tx.all(inviteKind)) tx.delete(inviteKind, invite);
        return { invite: insertInvite(tx) };
      });
    },
    getOrganizationInvite: async (_request, context) => {
      const scope = scopeOf(context);
      return scope.store.transaction(async (tx) => {
        const [invite] = await tx.all(inviteKind);
        return { invite: invite?.message ?? insertInvite(tx) };
      });
    },
    getOrganizationInviteSummary: async ({ inviteId }) => {
      const system = store.system("accounts");
      const { organizationId } = await found(system, inviteKind, inviteId, "invite");
      const organization = store.inOrganization(organizationId);
      const { name } = (await found(organization, organizationKind, organizationId, "organization")).message;
      const organizationMemberCount = await organization.count(memberKind, { phases: [UserStatus.ACTIVE] });
      return { organizationId, organizationName: name, organizationMemberCount };
    },
  };
}

function insertInvite(tx: Transaction): OrganizationInvite {
  // Of version 4: all of it is random.
  const invite = create(OrganizationInviteSchema, { inviteId: randomUUID() });
  tx.insert(inviteKind, invite.inviteId, invite);
  return invite;
}
