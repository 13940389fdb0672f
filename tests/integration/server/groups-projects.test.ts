import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type EnvironmentInitializerSchema,
  EnvironmentSchema,
  EnvironmentService,
} from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { ResourceType } from "../../../src/contract/gen/gitpod/v1/event_pb.js";
import { GroupService, ResourceRole } from "../../../src/contract/gen/gitpod/v1/group_pb.js";
import { Principal } from "../../../src/contract/gen/gitpod/v1/identity_pb.js";
import { OrganizationService } from "../../../src/contract/gen/gitpod/v1/organization_pb.js";
import { SortOrder } from "../../../src/contract/gen/gitpod/v1/pagination_pb.js";
import { ProjectRole, ProjectService } from "../../../src/contract/gen/gitpod/v1/project_pb.js";
import {
  EnvironmentClassSchema,
  RunnerConfigurationService,
  RunnerKind,
  RunnerProvider,
} from "../../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerRole, RunnerService } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import { environmentClassKind } from "../../../src/plane/store/fleet-kinds.ts";
import { environmentKind } from "../../../src/plane/store/kinds.ts";
import { postgresDatabases, sqliteDatabases } from "../store/databases.ts";
import type { Person } from "./people.ts";
import { codeOf, ServedServer } from "./served-server.ts";

const unknownId = "018f0000-0000-7000-8000-00000000ffff";
const userOf = ({ userId }: Person): { id: string; principal: Principal } => ({ id: userId, principal: Principal.USER });

function from(url: string): MessageInitShape<typeof EnvironmentInitializerSchema> {
  return { specs: [{ spec: { case: "contextUrl", value: { url } } }] };
}

describe.each([sqliteDatabases(), postgresDatabases()])("groups and projects on $name", (databases) => {
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

  async function project(who: Person, name: string, url = "https://github.com/o/r"): Promise<string> {
    return (await server.as(who, ProjectService).createProject({ name, initializer: from(url) })).project!.id;
  }

  async function group(name: string): Promise<string> {
    return (await server.as(ada, GroupService).createGroup({ organizationId: ada.organizationId, name })).group!.id;
  }

  async function runnerWithClass(name: string): Promise<{ readonly runnerId: string; readonly classId: string }> {
    const made = await server.as(ada, RunnerService).createRunner({ name, kind: RunnerKind.REMOTE, provider: RunnerProvider.LINUX_HOST });
    const runnerId = made.runner!.runnerId;
    const { id } = await server
      .as(ada, RunnerConfigurationService)
      .createEnvironmentClass({ runnerId, displayName: name, description: name });
    return { runnerId, classId: id };
  }

  test("a group is made, found by name, changed and deleted with its members", async () => {
    const groups = server.as(ada, GroupService);
    const { organizationId } = ada;
    expect(await codeOf(server.as(bob, GroupService).createGroup({ organizationId, name: "backend" }))).toBe(Code.PermissionDenied);
    const groupId = await group("backend");
    expect(await codeOf(group("Backend"))).toBe(Code.AlreadyExists);
    const { member } = await groups.createMembership({ groupId, subject: userOf(bob) });
    expect(member).toMatchObject({ groupId, name: "Bob", subject: { id: bob.userId } });
    expect(await codeOf(groups.createMembership({ groupId, subject: userOf(bob) }))).toBe(Code.AlreadyExists);
    expect(await codeOf(groups.createMembership({ groupId, subject: userOf(eve) }))).toBe(Code.NotFound);
    expect((await groups.getGroup({ group: { case: "name", value: "BACKEND" } })).group).toMatchObject({ id: groupId, memberCount: 1 });
    expect((await groups.listMemberships({ groupId, filter: { search: "bo" } })).members).toHaveLength(1);
    expect((await groups.getMembership({ groupId, subject: userOf(bob) })).member?.id).toBe(member?.id);
    expect((await groups.getMembership({ groupId, subject: userOf(ada) })).member).toBeUndefined();
    expect((await groups.updateGroup({ groupId, name: "platform", description: "servers" })).group).toMatchObject({
      name: "platform",
      memberCount: 1,
    });
    expect((await server.as(bob, GroupService).listGroups({ filter: { search: "SERVERS" } })).groups.map(({ id }) => id)).toEqual([
      groupId,
    ]);
    const others = server.as(eve, GroupService);
    expect(await codeOf(others.getGroup({ groupId }))).toBe(Code.NotFound);
    expect(await codeOf(others.deleteGroup({ groupId }))).toBe(Code.NotFound);
    expect(await codeOf(others.deleteMembership({ membershipId: member!.id }))).toBe(Code.NotFound);
    const excluding = await server.as(ada, OrganizationService).listMembers({ organizationId, filter: { excludeGroupIds: [groupId] } });
    expect(excluding.members.map(({ fullName }) => fullName)).toEqual(["Ada"]);
    await groups.deleteMembership({ membershipId: member!.id });
    expect((await groups.getGroup({ groupId })).group?.memberCount).toBe(0);
    await groups.createMembership({ groupId, subject: userOf(bob) });
    await groups.deleteGroup({ groupId });
    expect(await codeOf(groups.getGroup({ groupId }))).toBe(Code.NotFound);
  });

  test("roles of groups, and shares with one person, are told by resource, group and person", async () => {
    const groups = server.as(ada, GroupService);
    const [groupId, projectId] = [await group("frontend"), await project(ada, "site")];
    await groups.createMembership({ groupId, subject: userOf(bob) });
    const about = { resourceType: ResourceType.PROJECT, resourceId: projectId };
    const { assignment } = await groups.createRoleAssignment({ groupId, ...about, resourceRole: ResourceRole.PROJECT_USER });
    const foreign = await project(eve, "eves");
    expect(
      await codeOf(groups.createRoleAssignment({ groupId, ...about, resourceId: foreign, resourceRole: ResourceRole.PROJECT_USER })),
    ).toBe(Code.NotFound);
    const list = async (filter: Parameters<typeof groups.listRoleAssignments>[0]["filter"]): Promise<ResourceRole[]> =>
      (await groups.listRoleAssignments({ ...(filter === undefined ? {} : { filter }) })).assignments.map(
        ({ resourceRole }) => resourceRole,
      );
    expect(await list({ userId: bob.userId })).toEqual([ResourceRole.PROJECT_USER]);
    expect(await list({ userId: ada.userId })).toEqual([]);
    const share = { ...about, principal: Principal.USER, principalId: ada.userId };
    await groups.shareResourceWithPrincipal({ ...share, role: ResourceRole.PROJECT_EDITOR });
    await groups.shareResourceWithPrincipal({ ...share, role: ResourceRole.PROJECT_ADMIN });
    expect(await list({ userId: ada.userId, resourceId: projectId })).toEqual([ResourceRole.PROJECT_ADMIN]);
    expect(await list({ resourceIds: [projectId] })).toEqual([ResourceRole.PROJECT_USER, ResourceRole.PROJECT_ADMIN]);
    // The group of a share is no group that people see or change.
    expect((await groups.listGroups({})).groups.map(({ id }) => id)).toEqual([groupId]);
    const [ofShare] = (await groups.listGroups({ filter: { directShare: true } })).groups;
    expect(await codeOf(groups.deleteGroup({ groupId: ofShare!.id }))).toBe(Code.InvalidArgument);
    expect(await codeOf(groups.shareResourceWithPrincipal({ ...share, principalId: eve.userId, role: ResourceRole.PROJECT_USER }))).toBe(
      Code.NotFound,
    );
    await groups.unshareResourceWithPrincipal(share);
    await groups.unshareResourceWithPrincipal(share);
    expect(await list({ userId: ada.userId })).toEqual([]);
    await groups.deleteRoleAssignment({ assignmentId: assignment!.id });
    expect(await list({})).toEqual([]);
  });

  test("who leaves loses what was shared with them, gets nothing meanwhile, and it back by a new share alone", async () => {
    const groups = server.as(ada, GroupService);
    const [groupId, projectId] = [await group("regulars"), await project(ada, "plans")];
    const share = { resourceType: ResourceType.PROJECT, resourceId: projectId, principal: Principal.USER, principalId: bob.userId };
    const role = ResourceRole.PROJECT_USER;
    await groups.shareResourceWithPrincipal({ ...share, role });
    const sees = async (who: Person): Promise<Code | undefined> => codeOf(server.as(who, ProjectService).getProject({ projectId }));
    expect(await sees(bob)).toBeUndefined();
    await server.as(bob, OrganizationService).leaveOrganization({ userId: bob.userId });
    expect(await codeOf(groups.shareResourceWithPrincipal({ ...share, role }))).toBe(Code.NotFound);
    expect(await codeOf(groups.createMembership({ groupId, subject: userOf(bob) }))).toBe(Code.NotFound);
    const back = await server.member(ada.organizationId, "Bob", bob.account);
    expect(await sees(back)).toBe(Code.PermissionDenied);
    await groups.shareResourceWithPrincipal({ ...share, role });
    expect(await sees(back)).toBeUndefined();
  });

  test("a project is made, found, changed and deleted by who may", async () => {
    const projects = server.as(bob, ProjectService);
    const projectId = await project(bob, "Shop", "https://github.com/acme/shop");
    await project(ada, "api", "https://github.com/acme/api");
    expect(await codeOf(project(bob, "shop"))).toBe(Code.AlreadyExists);
    expect((await projects.getProject({ projectId })).project).toMatchObject({
      metadata: { name: "Shop", organizationId: ada.organizationId, creator: { id: bob.userId } },
    });
    const names = async (request: Parameters<typeof projects.listProjects>[0]): Promise<(string | undefined)[]> =>
      (await projects.listProjects(request)).projects.map(({ metadata }) => metadata?.name);
    expect(await names({ sort: { field: "name", order: SortOrder.ASC } })).toEqual(["api", "Shop"]);
    expect(await names({ filter: { search: "ACME/SHOP" } })).toEqual(["Shop"]);
    expect(await names({ filter: { specRemoteUris: ["https://github.com/acme/api"] } })).toEqual(["api"]);
    expect(await names({ filter: { creatorIds: [bob.userId] } })).toEqual(["Shop"]);
    expect((await projects.listProjects({ count: { include: true }, pagination: { pageSize: 1 } })).count?.value).toBe(2);
    const carol = await server.member(ada.organizationId, "Carol");
    expect(await codeOf(server.as(carol, ProjectService).updateProject({ projectId, name: "mine" }))).toBe(Code.PermissionDenied);
    const others = server.as(eve, ProjectService);
    expect(await codeOf(others.getProject({ projectId }))).toBe(Code.NotFound);
    expect(await codeOf(others.updateProject({ projectId, name: "mine" }))).toBe(Code.NotFound);
    expect(await codeOf(others.deleteProject({ projectId }))).toBe(Code.NotFound);
    const updated = await server
      .as(ada, ProjectService)
      .updateProject({ projectId, technicalDescription: "a shop", devcontainerFilePath: "dev.json" });
    expect(updated.project).toMatchObject({ technicalDescription: "a shop", devcontainerFilePath: "dev.json", metadata: { name: "Shop" } });
    await projects.deleteProject({ projectId });
    expect(await codeOf(projects.getProject({ projectId }))).toBe(Code.NotFound);
  });

  test("of several projects each is done by itself, and what failed is told", async () => {
    const projects = server.as(bob, ProjectService);
    const made = await projects.createProjects({
      projects: ["one", "two", "one"].map((name) => ({ name, initializer: from("https://github.com/o/r") })),
    });
    expect(made.createdProjects.map(({ metadata }) => metadata?.name)).toEqual(["one", "two"]);
    expect(made.failedProjects).toMatchObject([{ index: 2, name: "one" }]);
    const ids = made.createdProjects.map(({ id }) => id);
    const updated = await projects.updateProjects({
      projects: ids.map((projectId) => ({ projectId, name: "renamed" })),
    });
    expect(updated.updatedProjects).toHaveLength(1);
    expect(updated.failedProjects).toMatchObject([{ index: 1, projectId: ids[1] }]);
    // What is not there, or not theirs to touch, is decided for the request as a whole.
    expect(await codeOf(projects.deleteProjects({ projectIds: [unknownId, ...ids] }))).toBe(Code.NotFound);
    const deleted = await projects.deleteProjects({ projectIds: ids });
    expect(deleted.deletedProjectIds).toEqual(ids);
  });

  test("who may make projects is the organization's to say", async () => {
    await server
      .as(ada, OrganizationService)
      .updateOrganizationPolicies({ organizationId: ada.organizationId, membersCreateProjects: false });
    expect(await codeOf(project(bob, "mine"))).toBe(Code.PermissionDenied);
    expect(await codeOf(project(ada, "ours"))).toBeUndefined();
  });

  test("a project's policies say what groups may do with it", async () => {
    const projects = server.as(bob, ProjectService);
    const [projectId, groupId] = [await project(bob, "docs"), await group("writers")];
    expect((await projects.createProjectPolicy({ projectId, groupId, role: ProjectRole.USER })).policy).toMatchObject({
      groupId,
      role: ProjectRole.USER,
    });
    expect(await codeOf(projects.createProjectPolicy({ projectId, groupId, role: ProjectRole.ADMIN }))).toBe(Code.AlreadyExists);
    await projects.updateProjectPolicy({ projectId, groupId, role: ProjectRole.EDITOR });
    expect((await projects.listProjectPolicies({ projectId })).policies).toMatchObject([{ groupId, role: ProjectRole.EDITOR }]);
    const { assignments } = await server.as(ada, GroupService).listRoleAssignments({ filter: { groupId } });
    expect(assignments).toMatchObject([{ resourceId: projectId, resourceRole: ResourceRole.PROJECT_EDITOR }]);
    const carol = await server.member(ada.organizationId, "Carol");
    expect(await codeOf(server.as(carol, ProjectService).deleteProjectPolicy({ projectId, groupId }))).toBe(Code.PermissionDenied);
    await projects.deleteProjectPolicy({ projectId, groupId });
    expect(await codeOf(projects.deleteProjectPolicy({ projectId, groupId }))).toBe(Code.NotFound);
  });

  test("a policy that is changed or taken away leaves the group no other role", async () => {
    const groups = server.as(ada, GroupService);
    const groupId = await group("helpers");
    await groups.createMembership({ groupId, subject: userOf(bob) });
    const projectId = await project(ada, "vault");
    const { runnerId } = await runnerWithClass("strong");
    const about = { groupId, resourceType: ResourceType.PROJECT, resourceId: projectId };
    for (const resourceRole of [ResourceRole.PROJECT_USER, ResourceRole.PROJECT_ADMIN])
      await groups.createRoleAssignment({ ...about, resourceRole });
    const projects = server.as(ada, ProjectService);
    await projects.updateProjectPolicy({ projectId, groupId, role: ProjectRole.USER });
    expect(await codeOf(server.as(bob, ProjectService).updateProject({ projectId, name: "mine" }))).toBe(Code.PermissionDenied);
    expect((await projects.listProjectPolicies({ projectId })).policies).toHaveLength(1);
    for (const resourceRole of [ResourceRole.RUNNER_USER, ResourceRole.RUNNER_ADMIN])
      await groups.createRoleAssignment({ groupId, resourceType: ResourceType.RUNNER, resourceId: runnerId, resourceRole });
    await server.as(ada, RunnerService).deleteRunnerPolicy({ runnerId, groupId });
    expect(await codeOf(server.as(bob, RunnerService).updateRunner({ runnerId, name: "mine" }))).toBe(Code.PermissionDenied);
    expect((await server.as(ada, RunnerService).listRunnerPolicies({ runnerId })).policies).toEqual([]);
  });

  test("a project names its classes in order, and its environments have no others", async () => {
    const projects = server.as(bob, ProjectService);
    const projectId = await project(bob, "app");
    const [small, big] = ["018f0000-0000-7000-8000-000000000c01", "018f0000-0000-7000-8000-000000000c02"] as const;
    for (const id of [small, big]) {
      const unique = `${id.slice(0, -12)}${bob.userId.slice(-12)}`.slice(0, -2) + id.slice(-2);
      await server.store
        .inOrganization(ada.organizationId)
        .transaction(async (tx) =>
          tx.insert(
            environmentClassKind,
            unique,
            create(EnvironmentClassSchema, { id: unique, displayName: id, runnerId: unknownId, enabled: true }),
          ),
        );
    }
    const classes = (await server.as(bob, EnvironmentService).listEnvironmentClasses({})).environmentClasses.map(({ id }) => id);
    expect(classes).toHaveLength(2);
    const [first = "", second = ""] = classes;
    const named = (id: string, order: number): object => ({ environmentClass: { case: "environmentClassId" as const, value: id }, order });
    await projects.updateProjectEnvironmentClasses({ projectId, projectEnvironmentClasses: [named(second, 2), named(first, 1)] });
    const listed = (await projects.listProjectEnvironmentClasses({ projectId })).projectEnvironmentClasses;
    expect(listed.map(({ environmentClass }) => environmentClass.value)).toEqual([first, second]);
    expect(await codeOf(projects.updateProjectEnvironmentClasses({ projectId, projectEnvironmentClasses: [named(unknownId, 1)] }))).toBe(
      Code.NotFound,
    );
    await projects.updateProjectEnvironmentClasses({ projectId, projectEnvironmentClasses: [named(first, 1)] });
    const environments = server.as(bob, EnvironmentService);
    const inSecond = environments.createEnvironmentFromProject({ projectId, spec: { machine: { class: second } } });
    expect(await codeOf(inSecond)).toBe(Code.InvalidArgument);
    expect(await codeOf(server.as(eve, EnvironmentService).createEnvironmentFromProject({ projectId }))).toBe(Code.NotFound);
    // The runner of the class is not there.
    expect(await codeOf(environments.createEnvironmentFromProject({ projectId }))).toBe(Code.NotFound);
  });

  test("a class of a runner that is not theirs to use is not there for them", async () => {
    const carol = await server.member(ada.organizationId, "Carol");
    const [open, restricted] = [await runnerWithClass("open"), await runnerWithClass("restricted")];
    const groupId = await group("operators");
    await server.as(ada, GroupService).createMembership({ groupId, subject: userOf(bob) });
    await server.as(ada, RunnerService).createRunnerPolicy({ runnerId: restricted.runnerId, groupId, role: RunnerRole.USER });
    const spec = (id: string): object => ({ machine: { class: id }, content: { initializer: from("https://github.com/o/r") } });
    const failure = async (call: Promise<unknown>): Promise<string> =>
      call.then(
        () => "none",
        (error: unknown) => ConnectError.from(error).message.replaceAll(restricted.classId, "ID").replaceAll(unknownId, "ID"),
      );
    const carols = server.as(carol, EnvironmentService);
    const carolsProjects = server.as(carol, ProjectService);
    const projectId = await project(carol, "cloud");
    const withClass = (value: string) => ({
      projectId,
      projectEnvironmentClasses: [{ environmentClass: { case: "environmentClassId" as const, value } }],
    });
    expect(await failure(carols.createEnvironment({ spec: spec(restricted.classId) }))).toBe(
      await failure(carols.createEnvironment({ spec: spec(unknownId) })),
    );
    expect(await codeOf(carols.createEnvironment({ spec: spec(restricted.classId) }))).toBe(Code.NotFound);
    expect(await failure(carolsProjects.updateProjectEnvironmentClasses(withClass(restricted.classId)))).toBe(
      await failure(carolsProjects.updateProjectEnvironmentClasses(withClass(unknownId))),
    );
    // Nor by way of a project that has it.
    await server.as(ada, ProjectService).updateProjectEnvironmentClasses(withClass(restricted.classId));
    const made = await carols.createEnvironmentFromProject({ projectId });
    expect(made.environment?.metadata?.runnerId).toBe(open.runnerId);
    const bobs = await server.as(bob, EnvironmentService).createEnvironmentFromProject({ projectId });
    expect(bobs.environment?.metadata?.runnerId).toBe(restricted.runnerId);
    // Nor as the one that is taken where none is named.
    await server.as(ada, RunnerConfigurationService).updateEnvironmentClass({ environmentClassId: open.classId, enabled: false });
    expect(await codeOf(carols.createEnvironment({ spec: spec("") }))).toBe(Code.NotFound);
  });

  test("a project is made of an environment", async () => {
    const id = `018f0000-0000-7000-8000-${bob.userId.slice(-12)}`;
    const environment = create(EnvironmentSchema, {
      id,
      metadata: { organizationId: ada.organizationId, name: "e", creator: userOf(bob) },
      spec: { content: { initializer: from("https://github.com/acme/old") }, devcontainer: { devcontainerFilePath: "d.json" } },
    });
    await server.store.inOrganization(ada.organizationId).transaction(async (tx) => tx.insert(environmentKind, id, environment));
    const made = await server.as(bob, ProjectService).createProjectFromEnvironment({ name: "from it", environmentId: id });
    expect(made.project).toMatchObject({ devcontainerFilePath: "d.json", metadata: { name: "from it" } });
    expect(await codeOf(server.as(eve, ProjectService).createProjectFromEnvironment({ name: "from it", environmentId: id }))).toBe(
      Code.NotFound,
    );
  });
});
