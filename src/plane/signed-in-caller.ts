import { Principal } from "../contract/gen/gitpod/v1/identity_pb.js";
import { OrganizationRole } from "../contract/gen/gitpod/v1/organization_pb.js";
import { UserStatus } from "../contract/gen/gitpod/v1/user_pb.js";
import type { Authenticate } from "./caller.ts";
import type { SignIn } from "./sign-in.ts";
import { sessionKeyHeader } from "./sign-in/sign-in-handler.ts";
import { memberKind } from "./store/identity-kinds.ts";
import type { Store } from "./store/store.ts";

/** Of tokens that others know: of people, service accounts, runners and environments. */
const othersPattern = /^Bearer +berth_/i;

/** Finds out who calls by an app's access token or a browser's session; others are for the next to know. */
export function signInAuthentication({
  signIn,
  store,
}: {
  readonly signIn: Pick<SignIn, "authenticate">;
  readonly store: Store;
}): Authenticate {
  return async (headers) => {
    const authorization = headers.get("authorization") ?? undefined;
    if (authorization !== undefined && othersPattern.test(authorization)) return undefined;
    const signedIn = await signIn.authenticate({
      authorization,
      cookie: headers.get("cookie") ?? undefined,
      sessionKey: headers.get(sessionKeyHeader) ?? undefined,
    });
    if (signedIn === undefined) return undefined;
    const { organizationId, accountId } = signedIn;
    const member = await store.inOrganization(organizationId).find(memberKind, { nameKey: accountId });
    if (member?.message.user?.status !== UserStatus.ACTIVE) return undefined;
    const isAdministrator = member.message.role === OrganizationRole.ADMIN;
    return { principal: Principal.USER, id: member.id, organizationId, accountId, isAdministrator, isReadOnly: false };
  };
}
