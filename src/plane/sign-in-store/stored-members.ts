import { UserStatus } from "../../contract/gen/gitpod/v1/user_pb.js";
import type { Member, Members } from "../authorization-server/ports.ts";
import { memberKind } from "../store/identity-kinds.ts";
import type { Store } from "../store/store.ts";

/** Who may be signed in for an organization, by the plane's store: its active members. */
export class StoredMembers implements Members {
  readonly #store: Store;
  readonly #allowsDeviceSignIn: Members["allowsDeviceSignIn"];

  constructor(store: Store, allowsDeviceSignIn: Members["allowsDeviceSignIn"]) {
    this.#store = store;
    this.#allowsDeviceSignIn = allowsDeviceSignIn;
  }

  async find(organizationId: string, accountId: string): Promise<Member | undefined> {
    const member = await this.#store.inOrganization(organizationId).find(memberKind, { nameKey: accountId });
    const user = member?.message.user;
    return user?.status === UserStatus.ACTIVE ? { name: user.name, email: user.email } : undefined;
  }

  allowsDeviceSignIn(organizationId: string): Promise<boolean> {
    return this.#allowsDeviceSignIn(organizationId);
  }
}
