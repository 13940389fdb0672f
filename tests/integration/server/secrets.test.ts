import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { EnvironmentSchema } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { ResourceType } from "../../../src/contract/gen/gitpod/v1/event_pb.js";
import { GroupService, ResourceRole } from "../../../src/contract/gen/gitpod/v1/group_pb.js";
import { Principal } from "../../../src/contract/gen/gitpod/v1/identity_pb.js";
import { ProjectService } from "../../../src/contract/gen/gitpod/v1/project_pb.js";
import { SecretService } from "../../../src/contract/gen/gitpod/v1/secret_pb.js";
import { ServiceAccountService } from "../../../src/contract/gen/gitpod/v1/service_account_pb.js";
import { secretsOf } from "../../../src/plane/secrets.ts";
import { postgresDatabases, sqliteDatabases } from "../store/databases.ts";
import type { Person } from "./people.ts";
import { codeOf, ServedServer } from "./served-server.ts";

const userOf = ({ userId }: Person): { id: string; principal: Principal } => ({ id: userId, principal: Principal.USER });

describe.each([sqliteDatabases(), postgresDatabases()])("secrets on $name", (databases) => {
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

  async function project(who: Person, name: string): Promise<string> {
    const initializer = { specs: [{ spec: { case: "contextUrl" as const, value: { url: "https://github.com/o/r" } } }] };
    return (await server.as(who, ProjectService).createProject({ name, initializer })).project!.id;
  }

  test("secrets are their person's, their project's maker's, or the administrators', and others do not even see a person's own", async () => {
    const projectId = await project(bob, "with secrets");
    const secret = async (
      who: Person,
      name: string,
      scope: { case: "userId" | "projectId" | "organizationId"; value: string },
    ): Promise<string> =>
      (
        await server
          .as(who, SecretService)
          .createSecret({ name, value: "v", mount: { case: "environmentVariable", value: true }, scope: { scope } })
      ).secret!.id;
    const own = await secret(bob, "OWN", { case: "userId", value: bob.userId });
    const ofProject = await secret(bob, "PROJECT", { case: "projectId", value: projectId });
    await secret(ada, "SHARED", { case: "organizationId", value: ada.organizationId });
    expect(await codeOf(secret(bob, "SHARED_TOO", { case: "organizationId", value: ada.organizationId }))).toBe(Code.PermissionDenied);
    expect(await codeOf(secret(ada, "OTHERS", { case: "userId", value: bob.userId }))).toBe(Code.PermissionDenied);
    expect(await codeOf(secret(eve, "FOREIGN", { case: "projectId", value: projectId }))).toBe(Code.NotFound);
    const names = async (who: Person): Promise<string[]> =>
      (await server.as(who, SecretService).listSecrets({})).secrets.map(({ name }) => name);
    expect(await names(bob)).toEqual(["OWN", "PROJECT", "SHARED"]);
    expect(await names(ada)).toEqual(["PROJECT", "SHARED"]);
    expect(await names(eve)).toEqual([]);
    const carol = await server.member(ada.organizationId, "Carol");
    expect(await codeOf(server.as(carol, SecretService).updateSecretValue({ secretId: ofProject, value: "x" }))).toBe(
      Code.PermissionDenied,
    );
    for (const who of [ada, carol, eve]) {
      expect(await codeOf(server.as(who, SecretService).updateSecretValue({ secretId: own, value: "x" }))).toBe(Code.NotFound);
      expect(await codeOf(server.as(who, SecretService).deleteSecret({ secretId: own }))).toBe(Code.NotFound);
    }
    await server.as(bob, ProjectService).deleteProject({ projectId });
    expect(await names(bob)).toEqual(["OWN", "SHARED"]);
  });

  test("a service account's secrets are its own, and those of the organization its administrators'", async () => {
    const accounts = server.as(ada, ServiceAccountService);
    const validUntil = timestampFromMs(Date.now() + 60 * 60_000);
    const program = async (name: string): Promise<{ readonly id: string; readonly token: string }> => {
      const { serviceAccount } = await accounts.createServiceAccount({ name, validUntil });
      const id = serviceAccount!.id;
      return { id, token: (await accounts.createServiceAccountAccessToken({ serviceAccountId: id })).token };
    };
    const [builder, tester] = [await program("builder"), await program("tester")];
    const mount = { case: "environmentVariable" as const, value: true };
    const own = (await server.as(builder.token, SecretService).createSecret({ name: "OWN", value: "v", mount })).secret!;
    expect(own.scope?.scope).toEqual({ case: "serviceAccountId", value: builder.id });
    const scope = { scope: { case: "organizationId" as const, value: ada.organizationId } };
    const shared = (await server.as(ada, SecretService).createSecret({ name: "SHARED", value: "v", mount, scope })).secret!;
    const names = async (who: Person | string): Promise<string[]> =>
      (await server.as(who, SecretService).listSecrets({})).secrets.map(({ name }) => name);
    expect(await names(builder.token)).toEqual(["OWN", "SHARED"]);
    for (const who of [tester.token, bob]) expect(await names(who)).toEqual(["SHARED"]);
    expect(await codeOf(server.as(builder.token, SecretService).updateSecretValue({ secretId: own.id, value: "w" }))).toBeUndefined();
    // Who keeps projects for the organization keeps no more than those.
    const groups = server.as(ada, GroupService);
    const groupId = (await groups.createGroup({ organizationId: ada.organizationId, name: "project keepers" })).group!.id;
    await groups.createMembership({ groupId, subject: userOf(bob) });
    const about = { resourceType: ResourceType.ORGANIZATION, resourceId: ada.organizationId };
    await groups.createRoleAssignment({ groupId, ...about, resourceRole: ResourceRole.ORG_PROJECTS_ADMIN });
    for (const who of [tester.token, bob])
      for (const secretId of [own.id, shared.id]) {
        expect(await codeOf(server.as(who, SecretService).updateSecretValue({ secretId, value: "x" }))).toBe(Code.PermissionDenied);
        expect(await codeOf(server.as(who, SecretService).deleteSecret({ secretId }))).toBe(Code.PermissionDenied);
      }
    const ofBuilder = { filter: { scope: { scope: { case: "serviceAccountId" as const, value: builder.id } } } };
    for (const who of [tester.token, bob])
      expect(await codeOf(server.as(who, SecretService).listSecrets(ofBuilder))).toBe(Code.PermissionDenied);
    expect((await server.as(ada, SecretService).listSecrets(ofBuilder)).secrets.map(({ name }) => name)).toEqual(["OWN"]);
    const byBuilder = create(EnvironmentSchema, {
      metadata: { organizationId: ada.organizationId, creator: { id: builder.id, principal: Principal.SERVICE_ACCOUNT } },
    });
    expect(secretsOf(byBuilder, [own, shared]).map(({ name }) => name)).toEqual(["OWN", "SHARED"]);
    const byBob = create(EnvironmentSchema, { metadata: { organizationId: ada.organizationId, creator: userOf(bob) } });
    expect(secretsOf(byBob, [own, shared]).map(({ name }) => name)).toEqual(["SHARED"]);
  });
});
