import { durationFromMs, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AccountService } from "../../../src/contract/gen/gitpod/v1/account_pb.js";
import { ResourceType } from "../../../src/contract/gen/gitpod/v1/event_pb.js";
import { GroupService, ResourceRole } from "../../../src/contract/gen/gitpod/v1/group_pb.js";
import { Principal } from "../../../src/contract/gen/gitpod/v1/identity_pb.js";
import { IdentityService } from "../../../src/contract/gen/gitpod/v1/identity_pb.js";
import {
  ListMembersRequest_SortField,
  OrganizationRole,
  OrganizationService,
} from "../../../src/contract/gen/gitpod/v1/organization_pb.js";
import { SortOrder } from "../../../src/contract/gen/gitpod/v1/pagination_pb.js";
import { ServiceAccountService } from "../../../src/contract/gen/gitpod/v1/service_account_pb.js";
import { UserService, UserStatus } from "../../../src/contract/gen/gitpod/v1/user_pb.js";
import { postgresDatabases, sqliteDatabases } from "../store/databases.ts";
import type { Person } from "./people.ts";
import { codeOf, ServedServer } from "./served-server.ts";

const unknownId = "018f0000-0000-7000-8000-00000000ffff";
const dayMs = 24 * 60 * 60_000;
const { ADMIN, MEMBER } = OrganizationRole;

describe.each([sqliteDatabases(), postgresDatabases()])("people on $name", (databases) => {
  let server: ServedServer;
  let ada: Person;
  let bob: Person;
  let eve: Person;

  beforeAll(async () => {
    await databases.start();
    server = await ServedServer.start(databases);
  });
  afterAll(async () => {
    await server.stop();
    await databases.stop();
  });
  beforeEach(async () => {
    ada = await server.founder("Ada");
    bob = await server.member(ada.organizationId, "Bob");
    eve = await server.founder("Eve", "eve@elsewhere.test");
  });

  test("a person sees who they are, and others of their organization alone", async () => {
    const users = server.as(bob, UserService);
    expect((await users.getAuthenticatedUser({})).user).toMatchObject({
      id: bob.userId,
      organizationId: ada.organizationId,
      name: "Bob",
      email: "bob@example.com",
      status: UserStatus.ACTIVE,
    });
    expect((await users.getUser({ userId: ada.userId })).user?.name).toBe("Ada");
    expect(await codeOf(users.getUser({ userId: eve.userId }))).toBe(Code.NotFound);
    expect(await codeOf(users.getUser({ userId: unknownId }))).toBe(Code.NotFound);
  });

  test("a personal access token works until it expires or is deleted, and is seen by its person alone", async () => {
    const users = server.as(bob, UserService);
    const before = Date.now();
    const { token } = await users.createPersonalAccessToken({ userId: bob.userId, description: "laptop", validFor: durationFromMs(dayMs) });
    expect((await server.as(token, UserService).getAuthenticatedUser({})).user?.id).toBe(bob.userId);
    const { personalAccessTokens } = await users.listPersonalAccessTokens({});
    const pat = personalAccessTokens.find(({ description }) => description === "laptop");
    expect(pat).toMatchObject({ userId: bob.userId, readOnly: false, creator: { id: bob.userId, principal: Principal.USER } });
    expect(timestampMs(pat!.expiresAt!) - before).toBeGreaterThanOrEqual(dayMs);
    const id = { personalAccessTokenId: pat!.id };
    expect((await users.getPersonalAccessToken(id)).pat?.lastUsed).toBeDefined();
    const carol = await server.member(ada.organizationId, "Carol");
    for (const other of [carol, eve]) {
      expect(await codeOf(server.as(other, UserService).getPersonalAccessToken(id))).toBe(Code.NotFound);
      expect(await codeOf(server.as(other, UserService).deletePersonalAccessToken(id))).toBe(Code.NotFound);
    }
    expect(await codeOf(server.as(carol, UserService).listPersonalAccessTokens({ filter: { userIds: [bob.userId] } }))).toBe(
      Code.PermissionDenied,
    );
    expect(await codeOf(server.as(ada, UserService).createPersonalAccessToken({ userId: bob.userId }))).toBe(Code.PermissionDenied);
    // An administrator may end anybody's.
    await server.as(ada, UserService).deletePersonalAccessToken(id);
    expect(await codeOf(server.as(token, UserService).getAuthenticatedUser({}))).toBe(Code.Unauthenticated);
  });

  test("a token's time is bounded, and an expired one is none", async () => {
    const users = server.as(bob, UserService);
    const userId = bob.userId;
    expect(await codeOf(users.createPersonalAccessToken({ userId, validFor: durationFromMs(91 * dayMs) }))).toBe(Code.InvalidArgument);
    const { token } = await users.createPersonalAccessToken({ userId, description: "short", validFor: durationFromMs(300) });
    await expect
      .poll(async () => codeOf(server.as(token, UserService).getAuthenticatedUser({})), { timeout: 5000 })
      .toBe(Code.Unauthenticated);
    const { personalAccessTokens } = await users.listPersonalAccessTokens({});
    expect(personalAccessTokens.every(({ expiresAt }) => expiresAt === undefined || timestampMs(expiresAt) < Date.now() + 91 * dayMs)).toBe(
      true,
    );
  });

  test("a token for reading reads, and changes nothing", async () => {
    const { token } = await server.as(ada, UserService).createPersonalAccessToken({ userId: ada.userId, readOnly: true });
    const reader = server.as(token, UserService);
    expect((await reader.getAuthenticatedUser({})).user?.id).toBe(ada.userId);
    expect((await reader.listPreferences({})).preferences).toEqual([]);
    expect(await codeOf(reader.setPreference({ key: "k", value: "v" }))).toBe(Code.PermissionDenied);
    expect(await codeOf(reader.createPersonalAccessToken({ userId: ada.userId }))).toBe(Code.PermissionDenied);
    const organizations = server.as(token, OrganizationService);
    // An invite would let in whoever has it.
    expect(await codeOf(organizations.getOrganizationInvite({ organizationId: ada.organizationId }))).toBe(Code.PermissionDenied);
    expect(await codeOf(organizations.updateOrganization({ organizationId: ada.organizationId, name: "other" }))).toBe(
      Code.PermissionDenied,
    );
    expect((await reader.listPreferences({})).preferences).toEqual([]);
  });

  test("preferences are a person's own; of two that are set at once one stays", async () => {
    const users = server.as(bob, UserService);
    await Promise.all(["a", "b", "c"].map(async (value) => users.setPreference({ key: "theme", value })));
    await users.setPreference({ key: "theme", value: "dark" });
    await users.setPreference({ key: "editor", value: "'; DROP TABLE resources; --" });
    const { preferences } = await users.listPreferences({});
    expect(preferences.map(({ key, value }) => ({ key, value }))).toEqual([
      { key: "theme", value: "dark" },
      { key: "editor", value: "'; DROP TABLE resources; --" },
    ]);
    const get = async (who: Person): Promise<string | undefined> =>
      (await server.as(who, UserService).getPreference({ preference: { case: "preferenceKey", value: "theme" } })).preference?.value;
    expect(await get(bob)).toBe("dark");
    expect(await codeOf(get(ada))).toBe(Code.NotFound);
    const [theme] = preferences;
    expect(await codeOf(server.as(ada, UserService).deletePreference({ userPreferenceId: theme!.id }))).toBe(Code.NotFound);
    await users.deletePreference({ userPreferenceId: theme!.id });
    expect(await codeOf(get(bob))).toBe(Code.NotFound);
  });

  test("dotfiles are kept, changed and taken away", async () => {
    const users = server.as(bob, UserService);
    const get = async (): Promise<string | undefined> => (await users.getDotfilesConfiguration({})).dotfilesConfiguration?.repository;
    expect(await get()).toBe("");
    await users.setDotfilesConfiguration({ repository: "https://github.com/bob/dotfiles" });
    expect(await get()).toBe("https://github.com/bob/dotfiles");
    await users.setDotfilesConfiguration({ repository: "" });
    expect(await get()).toBe("");
    expect(await codeOf(users.setDotfilesConfiguration({ repository: "no address" }))).toBe(Code.InvalidArgument);
  });

  test("who is suspended can do nothing until they are taken back", async () => {
    const setSuspended = async (who: Person, userId: string, suspended: boolean): Promise<Code | undefined> =>
      codeOf(server.as(who, UserService).setSuspended({ userId, suspended }));
    expect(await setSuspended(bob, ada.userId, true)).toBe(Code.PermissionDenied);
    expect(await setSuspended(eve, bob.userId, true)).toBe(Code.NotFound);
    expect(await setSuspended(ada, ada.userId, true)).toBe(Code.InvalidArgument);
    expect(await setSuspended(ada, bob.userId, true)).toBeUndefined();
    expect(await codeOf(server.as(bob, UserService).getAuthenticatedUser({}))).toBe(Code.Unauthenticated);
    expect(await setSuspended(ada, bob.userId, false)).toBeUndefined();
    expect(await codeOf(server.as(bob, UserService).getAuthenticatedUser({}))).toBeUndefined();
  });

  test("who leaves cannot come in any more, and comes back as the same user", async () => {
    const organizations = server.as(bob, OrganizationService);
    expect(await codeOf(organizations.leaveOrganization({ userId: ada.userId }))).toBe(Code.PermissionDenied);
    await organizations.leaveOrganization({ userId: bob.userId });
    expect(await codeOf(server.as(bob, UserService).getAuthenticatedUser({}))).toBe(Code.Unauthenticated);
    const left = await server.as(ada, OrganizationService).listMembers({
      organizationId: ada.organizationId,
      filter: { statuses: [UserStatus.LEFT] },
    });
    expect(left.members.map(({ userId }) => userId)).toEqual([bob.userId]);
    const back = await server.member(ada.organizationId, "Bob", bob.account);
    expect(back.userId).toBe(bob.userId);
    expect((await server.as(back, UserService).getAuthenticatedUser({})).user?.status).toBe(UserStatus.ACTIVE);
  });

  test("the last administrator stays, even when two let go of the role at once", async () => {
    const organizations = server.as(ada, OrganizationService);
    const { organizationId } = ada;
    const demote = async (who: Person, userId: string): Promise<Code | undefined> =>
      codeOf(server.as(who, OrganizationService).setRole({ organizationId, userId, role: MEMBER }));
    expect(await demote(ada, ada.userId)).toBe(Code.InvalidArgument);
    expect(await codeOf(organizations.leaveOrganization({ userId: ada.userId }))).toBe(Code.InvalidArgument);
    expect(await codeOf(server.as(ada, UserService).deleteUser({ userId: ada.userId }))).toBe(Code.InvalidArgument);
    expect(await demote(bob, ada.userId)).toBe(Code.PermissionDenied);
    // Nor by one who is an administrator through a group alone.
    const groups = server.as(ada, GroupService);
    const groupId = (await groups.createGroup({ organizationId, name: "administrators" })).group!.id;
    const about = { resourceType: ResourceType.ORGANIZATION, resourceId: organizationId, resourceRole: ResourceRole.ORG_ADMIN };
    await groups.createMembership({ groupId, subject: { id: bob.userId, principal: Principal.USER } });
    await groups.createRoleAssignment({ groupId, ...about });
    expect(await demote(bob, ada.userId)).toBe(Code.InvalidArgument);
    expect(await codeOf(server.as(bob, UserService).setSuspended({ userId: ada.userId, suspended: true }))).toBe(Code.InvalidArgument);
    expect(await codeOf(server.as(bob, OrganizationService).leaveOrganization({ userId: ada.userId }))).toBe(Code.InvalidArgument);
    await groups.deleteGroup({ groupId });
    expect(await demote(bob, ada.userId)).toBe(Code.PermissionDenied);
    await organizations.setRole({ organizationId, userId: bob.userId, role: ADMIN });
    const codes = await Promise.all([demote(ada, ada.userId), demote(bob, bob.userId)]);
    expect(codes.filter((code) => code === undefined)).toHaveLength(1);
    const { members } = await server.as(ada, OrganizationService).listMembers({ organizationId, filter: { roles: [ADMIN] } });
    expect(members).toHaveLength(1);
  });

  test("a user who is deleted is gone with their tokens; the account stays", async () => {
    await server.as(bob, UserService).setPreference({ key: "k", value: "v" });
    expect(await codeOf(server.as(bob, UserService).deleteUser({ userId: ada.userId }))).toBe(Code.PermissionDenied);
    await server.as(ada, UserService).deleteUser({ userId: bob.userId });
    expect(await codeOf(server.as(bob, UserService).getAuthenticatedUser({}))).toBe(Code.Unauthenticated);
    expect(await codeOf(server.as(ada, UserService).getUser({ userId: bob.userId }))).toBe(Code.NotFound);
    const again = await server.member(ada.organizationId, "Bob", bob.account);
    expect(again.userId).not.toBe(bob.userId);
    expect((await server.as(again, UserService).listPreferences({})).preferences).toEqual([]);
  });

  test("members are searched, sorted, counted and paged", async () => {
    for (const name of ["dora", "Carl", "Émile"]) await server.member(ada.organizationId, name);
    const organizations = server.as(bob, OrganizationService);
    const { organizationId } = ada;
    const byName = { field: ListMembersRequest_SortField.NAME, order: SortOrder.DESC };
    const names: string[] = [];
    for (let token = "", pages = 0; pages === 0 || token !== ""; pages++) {
      const page = await organizations.listMembers({
        organizationId,
        sort: byName,
        pagination: { pageSize: 2, token },
        count: { include: true },
      });
      names.push(...page.members.map(({ fullName }) => fullName));
      expect(page.count?.value).toBe(5);
      token = page.pagination?.nextToken ?? "";
    }
    expect(names).toEqual(["Émile", "dora", "Carl", "Bob", "Ada"]);
    const found = await organizations.listMembers({ organizationId, filter: { search: "DORA@" } });
    expect(found.members).toMatchObject([{ fullName: "dora", role: MEMBER, loginProvider: "test", status: UserStatus.ACTIVE }]);
    expect(await codeOf(server.as(eve, OrganizationService).listMembers({ organizationId }))).toBe(Code.NotFound);
  });

  test("an account sees the organizations it is in, joins by invite, and by its mail domain", async () => {
    const accounts = server.as(bob, AccountService);
    expect((await accounts.getAccount({})).account).toMatchObject({
      id: bob.account.id,
      memberships: [
        { userId: bob.userId, userRole: MEMBER, organizationId: ada.organizationId, organizationName: "Ada's", organizationMemberCount: 2 },
      ],
    });
    const eves = server.as(eve, OrganizationService);
    const { organizationId } = eve;
    const first = (await eves.getOrganizationInvite({ organizationId })).invite!.inviteId;
    expect((await eves.getOrganizationInvite({ organizationId })).invite?.inviteId).toBe(first);
    const { inviteId } = (await eves.createOrganizationInvite({ organizationId })).invite!;
    const bobs = server.as(bob, OrganizationService);
    expect(await codeOf(bobs.getOrganizationInvite({ organizationId }))).toBe(Code.PermissionDenied);
    expect(await codeOf(bobs.joinOrganization({ joinId: { case: "inviteId", value: first } }))).toBe(Code.NotFound);
    expect(await bobs.getOrganizationInviteSummary({ inviteId })).toMatchObject({
      organizationId,
      organizationName: "Eve's",
      organizationMemberCount: 1,
    });
    const { member } = await bobs.joinOrganization({ joinId: { case: "inviteId", value: inviteId } });
    expect(member).toMatchObject({ role: MEMBER, fullName: "Bob" });
    expect(member?.userId).not.toBe(bob.userId);
    // A second time changes nothing.
    expect((await bobs.joinOrganization({ joinId: { case: "inviteId", value: inviteId } })).member?.userId).toBe(member?.userId);
    expect((await accounts.getAccount({})).account?.memberships).toHaveLength(2);
    const byDomain = { joinId: { case: "organizationId" as const, value: organizationId } };
    const carol = await server.member(ada.organizationId, "Carol");
    expect(await codeOf(server.as(carol, OrganizationService).joinOrganization(byDomain))).toBe(Code.NotFound);
    await eves.updateOrganization({ organizationId, inviteDomains: { domains: ["Example.com"] } });
    const joinable = (await server.as(carol, AccountService).listJoinableOrganizations({})).joinableOrganizations;
    expect(joinable).toMatchObject([{ organizationId, organizationName: "Eve's", organizationMemberCount: 2 }]);
    expect((await server.as(carol, OrganizationService).joinOrganization(byDomain)).member?.fullName).toBe("Carol");
    expect((await server.as(carol, AccountService).listJoinableOrganizations({})).joinableOrganizations).toEqual([]);
  });

  test("an organization is made, renamed, and deleted with everybody's way into it", async () => {
    const made = await server.as(bob, OrganizationService).createOrganization({ name: "Bob's own", joinOrganization: true });
    expect(made.member).toMatchObject({ role: ADMIN, fullName: "Bob" });
    expect(await codeOf(server.as(bob, OrganizationService).getOrganization({ organizationId: made.organization!.id }))).toBe(
      Code.NotFound,
    );
    const organizations = server.as(ada, OrganizationService);
    const { organizationId } = ada;
    expect(await codeOf(server.as(bob, OrganizationService).updateOrganization({ organizationId, name: "Bob's" }))).toBe(
      Code.PermissionDenied,
    );
    expect((await organizations.updateOrganization({ organizationId, name: "Renamed" })).organization?.name).toBe("Renamed");
    expect((await organizations.getOrganization({ organizationId })).organization?.name).toBe("Renamed");
    expect(await codeOf(organizations.updateOrganization({ organizationId, name: " " }))).toBe(Code.InvalidArgument);
    expect(await codeOf(server.as(bob, OrganizationService).deleteOrganization({ organizationId }))).toBe(Code.PermissionDenied);
    await organizations.deleteOrganization({ organizationId });
    for (const who of [ada, bob]) expect(await codeOf(server.as(who, UserService).getAuthenticatedUser({}))).toBe(Code.Unauthenticated);
    expect(await codeOf(server.as(eve, UserService).getAuthenticatedUser({}))).toBeUndefined();
  });

  test("an account that is deleted is gone everywhere, and its tokens with it", async () => {
    expect(await codeOf(server.as(bob, AccountService).deleteAccount({ accountId: ada.account.id }))).toBe(Code.NotFound);
    expect(await codeOf(server.as(ada, AccountService).deleteAccount({ accountId: ada.account.id }))).toBe(Code.InvalidArgument);
    await server.as(bob, AccountService).deleteAccount({ accountId: bob.account.id });
    expect(await codeOf(server.as(bob, UserService).getAuthenticatedUser({}))).toBe(Code.Unauthenticated);
    expect(await codeOf(server.as(ada, UserService).getUser({ userId: bob.userId }))).toBe(Code.NotFound);
  });

  test("who is suspended anywhere cannot delete the account, and so be somebody new there", async () => {
    const elsewhere = await server.member(eve.organizationId, "Bob", bob.account);
    await server.as(eve, UserService).setSuspended({ userId: elsewhere.userId, suspended: true });
    const accountId = bob.account.id;
    expect(await codeOf(server.as(bob, AccountService).deleteAccount({ accountId }))).toBe(Code.PermissionDenied);
    expect((await server.as(eve, UserService).getUser({ userId: elsewhere.userId })).user?.status).toBe(UserStatus.SUSPENDED);
    expect((await server.as(bob, UserService).getAuthenticatedUser({})).user?.id).toBe(bob.userId);
    await server.as(eve, UserService).deleteUser({ userId: elsewhere.userId });
    expect(await codeOf(server.as(bob, AccountService).deleteAccount({ accountId }))).toBeUndefined();
  });

  test("policies begin with what is usual and keep what an administrator says", async () => {
    const organizations = server.as(ada, OrganizationService);
    const { organizationId } = ada;
    expect((await organizations.getOrganizationPolicies({ organizationId })).policies).toMatchObject({
      membersCreateProjects: true,
      allowLocalRunners: true,
      membersRequireProjects: false,
      maximumEnvironmentsPerUser: 0n,
    });
    expect(await codeOf(server.as(bob, OrganizationService).updateOrganizationPolicies({ organizationId, allowLocalRunners: false }))).toBe(
      Code.PermissionDenied,
    );
    await organizations.updateOrganizationPolicies({ organizationId, allowLocalRunners: false, maximumEnvironmentsPerUser: 3n });
    await organizations.updateOrganizationPolicies({ organizationId, membersRequireProjects: true, allowedEditorIds: ["vscode"] });
    expect((await server.as(bob, OrganizationService).getOrganizationPolicies({ organizationId })).policies).toMatchObject({
      allowLocalRunners: false,
      maximumEnvironmentsPerUser: 3n,
      membersRequireProjects: true,
      membersCreateProjects: true,
      allowedEditorIds: ["vscode"],
    });
    expect(await codeOf(server.as(eve, OrganizationService).getOrganizationPolicies({ organizationId }))).toBe(Code.NotFound);
  });

  test("a service account has tokens of its own until it is deleted", async () => {
    const accounts = server.as(ada, ServiceAccountService);
    const validUntil = timestampFromMs(Date.now() + dayMs);
    expect(await codeOf(server.as(bob, ServiceAccountService).createServiceAccount({ name: "ci", validUntil }))).toBe(
      Code.PermissionDenied,
    );
    expect(await codeOf(accounts.createServiceAccount({ name: "ci", validUntil: timestampFromMs(1) }))).toBe(Code.InvalidArgument);
    const { serviceAccount } = await accounts.createServiceAccount({ name: "ci", description: "builds", validUntil });
    const serviceAccountId = serviceAccount!.id;
    expect(await codeOf(accounts.createServiceAccount({ name: "CI", validUntil }))).toBe(Code.AlreadyExists);
    const { token: access } = await accounts.createServiceAccountAccessToken({ serviceAccountId });
    const identity = await server.as(access, IdentityService).getAuthenticatedIdentity({});
    expect(identity).toMatchObject({
      organizationId: ada.organizationId,
      subject: { id: serviceAccountId, principal: Principal.SERVICE_ACCOUNT },
    });
    const itself = server.as(access, ServiceAccountService);
    const { token, serviceAccountToken } = await itself.createServiceAccountToken({ description: "pipeline" });
    expect((await itself.listServiceAccountTokens({})).tokens.map(({ description }) => description)).toEqual(["Access token", "pipeline"]);
    const serviceAccountTokenId = serviceAccountToken!.id;
    expect((await itself.getServiceAccountToken({ serviceAccountTokenId })).token?.description).toBe("pipeline");
    expect(await codeOf(accounts.listServiceAccountTokens({}))).toBe(Code.PermissionDenied);
    expect(await codeOf(server.as(token, UserService).getAuthenticatedUser({}))).toBe(Code.PermissionDenied);
    await itself.deleteServiceAccountToken({ serviceAccountTokenId });
    expect(await codeOf(server.as(token, IdentityService).getAuthenticatedIdentity({}))).toBe(Code.Unauthenticated);
    const renamed = await accounts.updateServiceAccount({ serviceAccountId, name: "builder" });
    expect(renamed.serviceAccount).toMatchObject({ name: "builder", description: "builds" });
    expect((await server.as(bob, ServiceAccountService).listServiceAccounts({ filter: { search: "BUILD" } })).serviceAccounts).toHaveLength(
      1,
    );
    expect(await codeOf(server.as(eve, ServiceAccountService).getServiceAccount({ serviceAccountId }))).toBe(Code.NotFound);
    await accounts.deleteServiceAccount({ serviceAccountId });
    expect(await codeOf(server.as(access, IdentityService).getAuthenticatedIdentity({}))).toBe(Code.Unauthenticated);
  });
});
