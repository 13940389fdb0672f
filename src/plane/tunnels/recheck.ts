import type { HandlerContext } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import type { OpenTunnelRequest } from "../../contract/gen/berth/v1/tunnel_pb.js";
import { Principal } from "../../contract/gen/gitpod/v1/identity_pb.js";
import { UserStatus } from "../../contract/gen/gitpod/v1/user_pb.js";
import type { PlanePolicy } from "../access/plane-policy.ts";
import { type Caller, callerOf } from "../caller.ts";
import { memberKind, serviceAccountKind } from "../store/identity-kinds.ts";
import type { Store } from "../store/store.ts";
import type { Recheck } from "./tunnel-service.ts";

/**
 * The policy once more for a call that goes on. Its token may have been renewed since, as tokens are; who it was of has to
 * be a member still.
 */
export function recheckBy(store: Store, policy: PlanePolicy): Recheck {
  return async (context: HandlerContext, message: OpenTunnelRequest) => {
    const caller = callerOf(context);
    if (!(await isActive(store, caller))) throw new BerthError("sign-in-required", "who opened it is no member any more");
    const principal = await policy.principalOf(caller);
    const { method, url, requestHeader: headers } = context;
    await policy.authorizer.authorize(principal, { method, message, url, headers });
  };
}

async function isActive(store: Store, { principal, id, organizationId }: Caller): Promise<boolean> {
  const organization = store.inOrganization(organizationId);
  if (principal === Principal.USER) return (await organization.get(memberKind, id))?.message.user?.status === UserStatus.ACTIVE;
  const account = await organization.get(serviceAccountKind, id);
  return account !== undefined && !account.message.suspended;
}
