import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { BerthError } from "../../contract/berth-error.ts";
import { type LoginRecord, LoginRecordSchema } from "../../contract/gen/berth/v1/records_pb.js";
import { AccountSchema } from "../../contract/gen/gitpod/v1/account_pb.js";
import { OrganizationRole } from "../../contract/gen/gitpod/v1/organization_pb.js";
import { UserSchema, UserStatus } from "../../contract/gen/gitpod/v1/user_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import { joinOrganization, newAccount } from "../membership.ts";
import type { AccountLinks, LinkedAccount, ProviderIdentity } from "../sign-in/ports.ts";
import { accountKind, loginKind, loginLookupKey, memberKind } from "../store/identity-kinds.ts";
import type { Store, View } from "../store/store.ts";

/** How people come in who sign in with an organization's own provider, as the API tells it. */
const loginProvider = "sso";

/** Accounts and what they sign in with, in the plane's store. */
export class StoredAccountLinks implements AccountLinks {
  readonly #store: Store;
  readonly #accounts: View;
  readonly #now: () => number;

  constructor(store: Store, now: () => number) {
    this.#store = store;
    this.#accounts = store.system("accounts");
    this.#now = now;
  }

  async byIdentity(issuer: string, subject: string): Promise<LinkedAccount | undefined> {
    const login = await this.#accounts.find(loginKind, { lookupKey: loginLookupKey(issuer, subject) });
    return login === undefined ? undefined : this.#linked(login.message.accountId);
  }

  async byEmail(email: string): Promise<LinkedAccount | undefined> {
    const found = await this.#accounts.all(accountKind, { where: { search: email } });
    const account = found.find(({ message }) => message.email.toLowerCase() === email);
    return account === undefined ? undefined : this.#linked(account.id);
  }

  async create(identity: ProviderIdentity & { readonly verifiedEmail: string }, organizationId: string): Promise<LinkedAccount> {
    const account = newAccount({ name: identity.name, email: identity.verifiedEmail }, this.#now());
    const login = this.#login(account.id, identity);
    try {
      await this.#accounts.transaction(async (tx) => {
        tx.insert(accountKind, account.id, account);
        tx.insert(loginKind, login.id, login);
      });
    } catch (error) {
      const winner = isTaken(error) ? await this.byIdentity(identity.issuer, identity.subject) : undefined;
      if (winner === undefined) throw error;
      return winner;
    }
    // If this is never reached, the person is a known one of no organization the next time, and joins then.
    await this.join(account.id, organizationId);
    return { id: account.id, organizationIds: [organizationId] };
  }

  async link(accountId: string, identity: ProviderIdentity): Promise<void> {
    const login = this.#login(accountId, identity);
    await this.#accounts.transaction(async (tx) => tx.insert(loginKind, login.id, login));
  }

  async join(accountId: string, organizationId: string): Promise<void> {
    const account = await this.#accounts.get(accountKind, accountId);
    if (account === undefined) throw new BerthError("resource-not-found", "the account was deleted meanwhile");
    const options = { organizationId, account: account.message, role: OrganizationRole.MEMBER, loginProvider, nowMs: this.#now() };
    await this.#store.inOrganization(organizationId).transaction(async (tx) => joinOrganization(tx, options));
  }

  async refresh(accountId: string, { name, verifiedEmail }: ProviderIdentity): Promise<void> {
    const told = { name, ...(verifiedEmail === undefined ? {} : { email: verifiedEmail }) };
    await this.#accounts.transaction(async (tx) => {
      const account = await tx.get(accountKind, accountId);
      if (account === undefined || isAsTold(account.message, told)) return;
      tx.update(accountKind, account, create(AccountSchema, { ...account.message, ...told, updatedAt: timestampFromMs(this.#now()) }));
      for (const member of await tx.all(memberKind, { where: { parentIds: [accountId] } })) {
        const user = create(UserSchema, { ...(member.message.user ?? create(UserSchema)), ...told });
        tx.update(memberKind, member, { ...member.message, user });
      }
    });
  }

  async #linked(accountId: string): Promise<LinkedAccount | undefined> {
    const account = await this.#accounts.get(accountKind, accountId);
    if (account === undefined) return undefined;
    const members = await this.#accounts.all(memberKind, { where: { parentIds: [accountId], phases: [UserStatus.ACTIVE] } });
    return { id: accountId, organizationIds: members.map(({ organizationId }) => organizationId) };
  }

  #login(accountId: string, { issuer, subject }: ProviderIdentity): LoginRecord {
    const nowMs = this.#now();
    return create(LoginRecordSchema, { id: uuidV7(nowMs), accountId, issuer, subject, createdAt: timestampFromMs(nowMs) });
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof BerthError && error.code === "resource-exists";
}

function isAsTold(
  account: { readonly name: string; readonly email: string },
  told: { readonly name: string; readonly email?: string },
): boolean {
  return account.name === told.name && (told.email === undefined || account.email === told.email);
}
