import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { UserStatus } from "../../../src/contract/gen/gitpod/v1/user_pb.js";
import { createFirstAdministrator, insertOrganization } from "../../../src/plane/membership.ts";
import { StoredAccountLinks } from "../../../src/plane/sign-in-store/stored-account-links.ts";
import { StoredMembers } from "../../../src/plane/sign-in-store/stored-members.ts";
import { accountFor } from "../../../src/plane/sign-in/account-mapping.ts";
import type { ProviderConfiguration, ProviderIdentity } from "../../../src/plane/sign-in/ports.ts";
import { signInAuthentication } from "../../../src/plane/signed-in-caller.ts";
import { accountKind, memberKind } from "../../../src/plane/store/identity-kinds.ts";
import type { Store } from "../../../src/plane/store/store.ts";
import { postgresDatabases, sqliteDatabases } from "../store/databases.ts";

const now = (): number => Date.now();
const ada: ProviderIdentity = { issuer: "https://idp.example", subject: "1", name: "Ada", verifiedEmail: "ada@example.com" };

describe.each([sqliteDatabases(), postgresDatabases()])("accounts of people who sign in, on $name", (databases) => {
  let store: Store;
  let links: StoredAccountLinks;
  let provider: ProviderConfiguration;
  beforeAll(async () => databases.start());
  afterAll(async () => databases.stop());
  beforeEach(async () => {
    store = await databases.open(await databases.make());
    links = new StoredAccountLinks(store, now);
    const { organizationId } = await createFirstAdministrator(store, { organization: "Org", name: "Root", email: "root@example.com" }, now);
    provider = {
      id: "provider-1",
      organizationId,
      displayName: "The provider",
      issuer: ada.issuer,
      clientId: "berth",
      additionalScopes: [],
      enabled: true,
      verifiedDomains: ["example.com"],
      emailsAreVerified: false,
      linkByVerifiedEmail: false,
    };
  });
  afterEach(async () => store.close());

  async function memberOf(accountId: string) {
    return (await store.inOrganization(provider.organizationId).find(memberKind, { nameKey: accountId }))!;
  }

  async function setStatus(accountId: string, status: UserStatus): Promise<void> {
    await store.inOrganization(provider.organizationId).transaction(async (tx) => {
      const member = (await tx.find(memberKind, { nameKey: accountId }))!;
      tx.update(memberKind, member, { ...member.message, user: { ...member.message.user!, status } });
    });
  }

  test("somebody new becomes a member, once however many sign-ins come at the same time, and stays the same person", async () => {
    const ids = new Set(await Promise.all(Array.from({ length: 4 }, async () => accountFor(links, provider, ada))));
    expect(ids.size).toBe(1);
    const [accountId = ""] = ids;
    expect((await memberOf(accountId)).message).toMatchObject({ loginProvider: "sso", user: { name: "Ada", email: "ada@example.com" } });
    expect(await accountFor(links, provider, { ...ada, name: "Ada L.", verifiedEmail: "ada.l@example.com" })).toBe(accountId);
    expect((await store.system("accounts").get(accountKind, accountId))?.message).toMatchObject({
      name: "Ada L.",
      email: "ada.l@example.com",
    });
    expect((await memberOf(accountId)).message.user).toMatchObject({ name: "Ada L.", email: "ada.l@example.com" });
  });

  test("an address that an account has is not taken over, unless an administrator allowed to join by it", async () => {
    const root = { ...ada, verifiedEmail: "root@example.com" };
    await expect(accountFor(links, provider, root)).rejects.toMatchObject({ code: "sign-in-account-exists" });
    const joined = await accountFor(links, { ...provider, linkByVerifiedEmail: true }, root);
    expect((await links.byEmail("root@example.com"))?.id).toBe(joined);
    expect(await accountFor(links, provider, root)).toBe(joined);
    expect(await links.byEmail("oot@example.com")).toBeUndefined();
  });

  test("an address of a domain that is not verified is nobody's, also when somebody known comes with it", async () => {
    const accountId = await accountFor(links, provider, ada);
    expect(await accountFor(links, provider, { ...ada, name: "Ada L.", verifiedEmail: "root@elsewhere.example" })).toBe(accountId);
    expect((await memberOf(accountId)).message.user).toMatchObject({ name: "Ada L.", email: "ada@example.com" });
    expect(await links.byEmail("root@elsewhere.example")).toBeUndefined();
    // The organization that has verified that domain gets its own person, and not the one who said so.
    const { organization } = await store.system("accounts").transaction(async (tx) => {
      const account = (await tx.get(accountKind, accountId))!.message;
      return insertOrganization(tx, { name: "Elsewhere", account, loginProvider: "sso", nowMs: now() });
    });
    const theirs = { ...provider, id: "provider-2", organizationId: organization.id, verifiedDomains: ["elsewhere.example"] };
    const root = { issuer: "https://elsewhere.example", subject: "1", name: "Root", verifiedEmail: "root@elsewhere.example" };
    expect(await accountFor(links, { ...theirs, linkByVerifiedEmail: true }, root)).not.toBe(accountId);
  });

  test("who was suspended does not come back by signing in, and who left does", async () => {
    const accountId = await accountFor(links, provider, ada);
    const members = new StoredMembers(store, () => Promise.resolve(false));
    expect(await members.find(provider.organizationId, accountId)).toEqual({ name: "Ada", email: "ada@example.com" });
    await setStatus(accountId, UserStatus.SUSPENDED);
    await expect(accountFor(links, provider, ada)).rejects.toMatchObject({ code: "not-allowed" });
    expect(await members.find(provider.organizationId, accountId)).toBeUndefined();
    await setStatus(accountId, UserStatus.LEFT);
    expect(await members.find(provider.organizationId, accountId)).toBeUndefined();
    expect(await accountFor(links, provider, ada)).toBe(accountId);
    expect(await members.find(provider.organizationId, accountId)).toBeDefined();
  });

  test("a request of somebody who is signed in is that of the user of the organization, while it is an active one", async () => {
    const accountId = await accountFor(links, provider, ada);
    const signedIn = { organizationId: provider.organizationId, accountId, through: "app" } as const;
    const authenticate = signInAuthentication({ signIn: { authenticate: () => Promise.resolve(signedIn) }, store });
    const { id } = await memberOf(accountId);
    expect(await authenticate(new Headers())).toMatchObject({ id, accountId, isAdministrator: false });
    await setStatus(accountId, UserStatus.SUSPENDED);
    expect(await authenticate(new Headers())).toBeUndefined();
  });
});
