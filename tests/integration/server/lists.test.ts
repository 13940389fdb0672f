import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { EnvironmentService } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { ResourceType } from "../../../src/contract/gen/gitpod/v1/event_pb.js";
import { GroupService, ResourceRole } from "../../../src/contract/gen/gitpod/v1/group_pb.js";
import { Principal } from "../../../src/contract/gen/gitpod/v1/identity_pb.js";
import { OrganizationService } from "../../../src/contract/gen/gitpod/v1/organization_pb.js";
import { ProjectService } from "../../../src/contract/gen/gitpod/v1/project_pb.js";
import {
  RunnerConfigurationService,
  RunnerKind,
  RunnerProvider,
  SCMIntegrationSchema,
} from "../../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerRole, RunnerService } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import { SecretService } from "../../../src/contract/gen/gitpod/v1/secret_pb.js";
import { scmIntegrationKind } from "../../../src/plane/runner-store/kinds.ts";
import { postgresDatabases, sqliteDatabases } from "../store/databases.ts";
import type { Person } from "./people.ts";
import { codeOf, ServedServer } from "./served-server.ts";

describe.each([sqliteDatabases(), postgresDatabases()])("lists on $name", (databases) => {
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

  async function runner(name: string): Promise<string> {
    const wanted = { name, kind: RunnerKind.REMOTE, provider: RunnerProvider.LINUX_HOST };
    return (await server.as(ada, RunnerService).createRunner(wanted)).runner!.runnerId;
  }

  async function group(name: string): Promise<string> {
    return (await server.as(ada, GroupService).createGroup({ organizationId: ada.organizationId, name })).group!.id;
  }

  async function project(who: Person, name: string): Promise<string> {
    const initializer = { specs: [{ spec: { case: "contextUrl" as const, value: { url: "https://github.com/o/r" } } }] };
    return (await server.as(who, ProjectService).createProject({ name, initializer })).project!.id;
  }

  test("source-control integrations are those of runners that are seen", async () => {
    const [open, restricted] = [await runner("open"), await runner("restricted")];
    await server
      .as(ada, RunnerService)
      .createRunnerPolicy({ runnerId: restricted, groupId: await group("operators"), role: RunnerRole.USER });
    for (const runnerId of [open, restricted]) {
      const integration = create(SCMIntegrationSchema, { id: randomUUID(), runnerId, host: "github.com", pat: true });
      await server.store
        .inOrganization(ada.organizationId)
        .transaction(async (tx) => tx.insert(scmIntegrationKind, integration.id, integration));
    }
    const seenBy = async (who: Person): Promise<string[]> =>
      (await server.as(who, RunnerConfigurationService).listSCMIntegrations({})).integrations.map(({ runnerId }) => runnerId).toSorted();
    expect(await seenBy(ada)).toEqual([open, restricted].toSorted());
    expect(await seenBy(bob)).toEqual([open]);
    expect(await seenBy(eve)).toEqual([]);
  });

  test("a page's token is good for the same list of the same caller, also when more can be seen meanwhile, and for no other", async () => {
    const mount = { case: "environmentVariable" as const, value: true };
    for (const name of ["ONE", "TWO", "THREE"]) await server.as(bob, SecretService).createSecret({ name, value: "v", mount });
    const secrets = server.as(bob, SecretService);
    const token = (await secrets.listSecrets({ pagination: { pageSize: 1 } })).pagination!.nextToken;
    const next = { pagination: { pageSize: 1, token } };
    const projectId = await project(bob, "made meanwhile");
    expect((await secrets.listSecrets(next)).secrets.map(({ name }) => name)).toEqual(["TWO"]);
    expect(await codeOf(secrets.listSecrets({ ...next, filter: { projectIds: [projectId] } }))).toBe(Code.InvalidArgument);
    for (const who of [ada, eve]) expect(await codeOf(server.as(who, SecretService).listSecrets(next))).toBe(Code.InvalidArgument);
  });

  test("so it is of groups, members and classes", async () => {
    const groups = server.as(ada, GroupService);
    const projectId = await project(ada, "site");
    const ids = [await group("one"), await group("two"), await group("three")];
    const about = { resourceType: ResourceType.PROJECT, resourceId: projectId };
    const filter = { excludeAssignedToResource: about };
    const ofGroups = { pageSize: 1, token: (await groups.listGroups({ filter, pagination: { pageSize: 1 } })).pagination!.nextToken };
    await groups.createRoleAssignment({ ...about, groupId: ids[1]!, resourceRole: ResourceRole.PROJECT_USER });
    expect((await groups.listGroups({ filter, pagination: ofGroups })).groups.map(({ id }) => id)).toEqual([ids[2]]);
    expect(await codeOf(groups.listGroups({ pagination: ofGroups }))).toBe(Code.InvalidArgument);
    expect(await codeOf(server.as(eve, GroupService).listGroups({ filter, pagination: ofGroups }))).toBe(Code.InvalidArgument);

    const members = server.as(ada, OrganizationService);
    const { organizationId } = ada;
    const without = { organizationId, filter: { excludeGroupIds: ids } };
    const ofMembers = {
      pageSize: 1,
      token: (await members.listMembers({ ...without, pagination: { pageSize: 1 } })).pagination!.nextToken,
    };
    await groups.createMembership({ groupId: ids[0]!, subject: { id: ada.userId, principal: Principal.USER } });
    expect((await members.listMembers({ ...without, pagination: ofMembers })).members.map(({ userId }) => userId)).toEqual([bob.userId]);
    expect(await codeOf(members.listMembers({ organizationId, pagination: ofMembers }))).toBe(Code.InvalidArgument);

    const runnerId = await runner("cloud");
    for (const displayName of ["small", "big"])
      await server.as(ada, RunnerConfigurationService).createEnvironmentClass({ runnerId, displayName, description: displayName });
    const environments = server.as(ada, EnvironmentService);
    const first = await environments.listEnvironmentClasses({ pagination: { pageSize: 1 } });
    const ofClasses = { pageSize: 1, token: first.pagination!.nextToken };
    expect((await environments.listEnvironmentClasses({ pagination: ofClasses })).environmentClasses).toHaveLength(1);
    expect(await codeOf(environments.listEnvironmentClasses({ filter: { enabled: true }, pagination: ofClasses }))).toBe(
      Code.InvalidArgument,
    );
  });
});
