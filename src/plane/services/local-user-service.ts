import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { UserSchema, type UserService, UserStatus } from "../../contract/gen/gitpod/v1/user_pb.js";
import type { LocalIdentity } from "../local-identity.ts";

/** gitpod.v1.UserService as far as there is one person: whoever uses this computer. */
export function localUserService(identity: LocalIdentity): Partial<ServiceImpl<typeof UserService>> {
  const user = create(UserSchema, {
    id: identity.userId,
    organizationId: identity.organizationId,
    name: "You",
    status: UserStatus.ACTIVE,
  });
  return {
    getAuthenticatedUser: () => ({ user }),
    getUser: ({ userId }) => {
      if (userId !== user.id) throw new BerthError("resource-not-found", `there is no user ${userId}`);
      return { user };
    },
  };
}
