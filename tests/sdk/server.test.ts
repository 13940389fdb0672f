import Gitpod from "@gitpod/sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Person } from "../integration/server/people.ts";
import { ServedServer } from "../integration/server/served-server.ts";
import { postgresDatabases, sqliteDatabases } from "../integration/store/databases.ts";

describe.each([sqliteDatabases(), postgresDatabases()])("the unmodified SDK on a server with $name", (databases) => {
  let server: ServedServer;
  let ada: Person;
  let bob: Person;
  let client: Gitpod;

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
    client = sdkOf(ada.token);
  });

  function sdkOf(bearerToken: string): Gitpod {
    return new Gitpod({ bearerToken, baseURL: server.baseUrl, maxRetries: 0 });
  }

  test("says who one is", async () => {
    expect((await client.users.getAuthenticatedUser({})).user).toMatchObject({ id: ada.userId, name: "Ada" });
    expect(await client.identity.getAuthenticatedIdentity({})).toMatchObject({
      organizationId: ada.organizationId,
      subject: { id: ada.userId, principal: "PRINCIPAL_USER" },
    });
    expect((await client.accounts.retrieve({ empty: true })).account.memberships).toHaveLength(1);
    await expect(sdkOf("wrong").users.getAuthenticatedUser({})).rejects.toBeInstanceOf(Gitpod.AuthenticationError);
  });

  test("manages the organization", async () => {
    const { organizationId } = ada;
    expect((await client.organizations.retrieve({ organizationId })).organization.name).toBe("Ada's");
    await client.organizations.update({ organizationId, name: "Renamed" });
    expect((await client.organizations.retrieve({ organizationId })).organization.name).toBe("Renamed");
    const members: string[] = [];
    for await (const member of client.organizations.listMembers({ organizationId, pagination: { pageSize: 1 } }))
      members.push(member.fullName);
    expect(members).toEqual(["Ada", "Bob"]);
    await client.organizations.setRole({ organizationId, userId: bob.userId, role: "ORGANIZATION_ROLE_ADMIN" });
    const { invite } = await client.organizations.invites.create({ organizationId });
    expect((await client.organizations.invites.getSummary({ inviteId: invite.inviteId })).organizationMemberCount).toBe(2);
    await client.organizations.policies.update({ organizationId, defaultEnvironmentImage: "debian:13", maximumEnvironmentsPerUser: "5" });
    expect((await client.organizations.policies.retrieve({ organizationId })).policies).toMatchObject({
      defaultEnvironmentImage: "debian:13",
      maximumEnvironmentsPerUser: "5",
    });
    const other = await server.founder("Other");
    await expect(client.organizations.retrieve({ organizationId: other.organizationId })).rejects.toBeInstanceOf(Gitpod.NotFoundError);
    await expect(sdkOf(bob.token).organizations.leave({ userId: ada.userId })).resolves.toBeDefined();
  });

  test("pages through what there is", async () => {
    const made: string[] = [];
    for (let n = 0; n < 5; n++) {
      const { project } = await client.projects.create({
        name: `project ${n}`,
        environmentClass: {},
        initializer: { specs: [{ contextUrl: { url: `https://github.com/o/r${n}` } }] },
      });
      made.push(project?.id ?? "");
    }
    const listed: string[] = [];
    for await (const project of client.projects.list({ pagination: { pageSize: 2 } })) listed.push(project.id ?? "");
    expect(listed).toEqual(made);
    const [projectId = ""] = made;
    await client.projects.update({ projectId, name: "renamed" });
    expect((await client.projects.retrieve({ projectId })).project?.metadata?.name).toBe("renamed");
    await client.projects.delete({ projectId });
    await expect(client.projects.retrieve({ projectId })).rejects.toBeInstanceOf(Gitpod.NotFoundError);
  });

  test("keeps dotfiles, tokens and secrets", async () => {
    await client.users.dotfiles.set({ repository: "https://github.com/ada/dotfiles" });
    expect((await client.users.dotfiles.get({})).dotfilesConfiguration.repository).toBe("https://github.com/ada/dotfiles");
    const [pat] = (await client.users.pats.list({})).personalAccessTokens;
    expect((await client.users.pats.get({ personalAccessTokenId: pat?.id ?? "" })).pat.userId).toBe(ada.userId);
    await client.secrets.create({ name: "TOKEN", value: "v", environmentVariable: true, scope: { userId: ada.userId } });
    expect((await client.secrets.list({})).secrets.map(({ name }) => name)).toEqual(["TOKEN"]);
    await client.users.pats.delete({ personalAccessTokenId: pat?.id ?? "" });
    await expect(client.secrets.list({})).rejects.toBeInstanceOf(Gitpod.AuthenticationError);
  });

  test("is told of changes, a line each", async () => {
    const events = await client.events.watch({ organization: true });
    const { project } = await client.projects.create({
      name: "watched",
      environmentClass: {},
      initializer: { specs: [{ contextUrl: { url: "https://github.com/o/r" } }] },
    });
    for await (const event of events) {
      // Of the organization and its people, which came just before, it may still tell.
      if (event.resourceId !== project?.id) continue;
      expect(event).toEqual({ operation: "RESOURCE_OPERATION_CREATE", resourceType: "RESOURCE_TYPE_PROJECT", resourceId: project?.id });
      break;
    }
    await expect(sdkOf("wrong").events.watch({ organization: true })).rejects.toBeInstanceOf(Gitpod.AuthenticationError);
  });
});
