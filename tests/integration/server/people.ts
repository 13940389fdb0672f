import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { AccessTokenRecordSchema } from "../../../src/contract/gen/berth/v1/records_pb.js";
import { type Account, AccountSchema } from "../../../src/contract/gen/gitpod/v1/account_pb.js";
import { OrganizationRole } from "../../../src/contract/gen/gitpod/v1/organization_pb.js";
import { PersonalAccessTokenSchema } from "../../../src/contract/gen/gitpod/v1/user_pb.js";
import { uuidV7 } from "../../../src/lib/uuid.ts";
import { newToken } from "../../../src/plane/access-tokens.ts";
import { insertOrganization, joinOrganization } from "../../../src/plane/membership.ts";
import { accessTokenKind, accountKind } from "../../../src/plane/store/identity-kinds.ts";
import type { Store, Transaction } from "../../../src/plane/store/store.ts";

/** Somebody with a token. */
export interface Person {
  readonly account: Account;
  readonly userId: string;
  readonly organizationId: string;
  readonly token: string;
}

/** Makes an organization with its administrator. */
export async function newFounder(store: Store, name: string, email = `${name.toLowerCase()}@example.com`): Promise<Person> {
  const account = newAccount(name, email);
  return store.system("accounts").transaction(async (tx) => {
    tx.insert(accountKind, account.id, account);
    const { organization, member } = insertOrganization(tx, { name: `${name}'s`, account, loginProvider: "test", nowMs: Date.now() });
    const userId = member.user?.id ?? "";
    return { account, userId, organizationId: organization.id, token: insertToken(tx, userId, organization.id) };
  });
}

/** Makes somebody a member of an organization. */
export async function newMember(
  store: Store,
  organizationId: string,
  name: string,
  account = newAccount(name, `${name.toLowerCase()}@example.com`),
): Promise<Person> {
  const system = store.system("accounts");
  if ((await system.get(accountKind, account.id)) === undefined)
    await system.transaction(async (tx) => tx.insert(accountKind, account.id, account));
  return store.inOrganization(organizationId).transaction(async (tx) => {
    const nowMs = Date.now();
    const role = OrganizationRole.MEMBER;
    const member = await joinOrganization(tx, { organizationId, account, role, loginProvider: "test", nowMs });
    const userId = member.user?.id ?? "";
    return { account, userId, organizationId, token: insertToken(tx, userId, organizationId) };
  });
}

function newAccount(name: string, email: string): Account {
  const at = timestampFromMs(Date.now());
  return create(AccountSchema, { id: uuidV7(Date.now()), name, email, createdAt: at, updatedAt: at });
}

function insertToken(tx: Transaction, userId: string, organizationId: string): string {
  const { token, hash } = newToken("personal");
  const personal = create(PersonalAccessTokenSchema, { id: uuidV7(Date.now()), userId, createdAt: timestampFromMs(Date.now()) });
  const record = create(AccessTokenRecordSchema, { hash, token: { case: "personal", value: personal } });
  tx.insert(accessTokenKind, personal.id, record, { organizationId });
  return token;
}
