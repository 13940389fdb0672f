import { create } from "@bufbuild/protobuf";
import { BerthError } from "../../contract/berth-error.ts";
import { type GroupMembership, GroupMembershipSchema } from "../../contract/gen/gitpod/v1/group_pb.js";
import { Principal, type Subject } from "../../contract/gen/gitpod/v1/identity_pb.js";
import { UserStatus } from "../../contract/gen/gitpod/v1/user_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import { memberKind, serviceAccountKind } from "../store/identity-kinds.ts";
import type { Reader } from "../store/store.ts";
import { found } from "./found.ts";

/**
 * A place in a group. Fails with `resource-not-found` when the organization has no such user or service account; who has
 * left gets none, which would be theirs again when they come back.
 */
export async function newPlace(reader: Reader, groupId: string, subject: Subject, nowMs: number): Promise<GroupMembership> {
  const named = { id: uuidV7(nowMs), groupId, subject };
  switch (subject.principal) {
    case Principal.USER: {
      const { user } = (await found(reader, memberKind, subject.id, "user")).message;
      if (user?.status === UserStatus.LEFT) throw new BerthError("resource-not-found", `there is no user ${subject.id}`);
      return create(GroupMembershipSchema, { ...named, name: user?.name ?? "", avatarUrl: user?.avatarUrl ?? "" });
    }
    case Principal.SERVICE_ACCOUNT:
      return create(GroupMembershipSchema, {
        ...named,
        name: (await found(reader, serviceAccountKind, subject.id, "service account")).message.name,
      });
    default:
      throw new BerthError("request-invalid", "a user or a service account can be in a group");
  }
}
