import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EventService, ResourceType } from "../../../src/contract/gen/gitpod/v1/event_pb.js";
import { GroupService } from "../../../src/contract/gen/gitpod/v1/group_pb.js";
import { Principal } from "../../../src/contract/gen/gitpod/v1/identity_pb.js";
import { OrganizationService } from "../../../src/contract/gen/gitpod/v1/organization_pb.js";
import { SortOrder } from "../../../src/contract/gen/gitpod/v1/pagination_pb.js";
import { ProjectService } from "../../../src/contract/gen/gitpod/v1/project_pb.js";
import { SecretService } from "../../../src/contract/gen/gitpod/v1/secret_pb.js";
import { ServiceAccountService } from "../../../src/contract/gen/gitpod/v1/service_account_pb.js";
import { UserService } from "../../../src/contract/gen/gitpod/v1/user_pb.js";
import { auditKind } from "../../../src/plane/audit/audit-kind.ts";
import { postgresDatabases, sqliteDatabases } from "../store/databases.ts";
import type { Person } from "./people.ts";
import { codeOf, ServedServer } from "./served-server.ts";

const secretValue = "s3cr3t-that-nobody-reads";

describe.each([sqliteDatabases(), postgresDatabases()])("the audit log on $name", (databases) => {
  let server: ServedServer;
  let ada: Person;
  let bob: Person;

  beforeAll(async () => {
    await databases.start();
    server = await ServedServer.start(databases);
    ada = await server.founder("Ada");
    bob = await server.member(ada.organizationId, "Bob");
  });
  afterAll(async () => {
    await server.stop();
    await databases.stop();
  });

  async function actions(filter: Parameters<ReturnType<typeof log>["listAuditLogs"]>[0]["filter"] = {}): Promise<string[]> {
    return (await log().listAuditLogs({ filter, sort: { field: "createdAt", order: SortOrder.ASC } })).entries.map(({ action }) => action);
  }

  function log() {
    return server.as(ada, EventService);
  }

  test("each change leaves one entry that says who, what and on what, and no values", async () => {
    const { organizationId } = ada;
    const initializer = { specs: [{ spec: { case: "contextUrl" as const, value: { url: "https://github.com/o/r" } } }] };
    const project = (await server.as(bob, ProjectService).createProject({ name: "shop", initializer })).project!;
    await server.as(bob, ProjectService).updateProject({ projectId: project.id, name: "store" });
    const scope = { scope: { case: "projectId" as const, value: project.id } };
    const mount = { case: "environmentVariable" as const, value: true };
    const secret = (await server.as(bob, SecretService).createSecret({ name: "TOKEN", value: secretValue, mount, scope })).secret!;
    await server.as(bob, SecretService).updateSecretValue({ secretId: secret.id, value: `${secretValue}2` });
    const group = (await server.as(ada, GroupService).createGroup({ organizationId, name: "writers" })).group!;
    await server.as(ada, GroupService).createMembership({ groupId: group.id, subject: { id: bob.userId, principal: Principal.USER } });
    await server.as(ada, GroupService).deleteGroup({ groupId: group.id });
    await server.as(bob, UserService).createPersonalAccessToken({ userId: bob.userId, description: "ci" });
    await server.as(ada, OrganizationService).updateOrganization({ organizationId, name: "Renamed" });
    await server.as(bob, ProjectService).deleteProject({ projectId: project.id });
    expect(await actions()).toEqual([
      "CreateProject: created",
      "UpdateProject: updated metadata.name, metadata.updatedAt",
      "CreateSecret: created",
      "UpdateSecretValue: updated updatedAt, value",
      "CreateGroup: created",
      "CreateMembership: created",
      "DeleteGroup: deleted",
      "CreatePersonalAccessToken: created",
      "UpdateOrganization: updated name, updatedAt",
      "DeleteProject: deleted",
    ]);
    expect(await actions({ actorIds: [bob.userId] })).toHaveLength(6);
    expect(await actions({ subjectIds: [project.id] })).toEqual([
      "CreateProject: created",
      "UpdateProject: updated metadata.name, metadata.updatedAt",
      "DeleteProject: deleted",
    ]);
    expect(await actions({ subjectTypes: [ResourceType.SECRET], actorPrincipals: [Principal.USER] })).toHaveLength(2);
    expect(await actions({ actorPrincipals: [Principal.RUNNER] })).toEqual([]);
    const { entries } = await log().listAuditLogs({});
    expect(entries[0]).toMatchObject({ actorId: bob.userId, actorPrincipal: Principal.USER, subjectType: ResourceType.PROJECT });
    const middle = timestampMs(entries[5]!.createdAt!);
    const [from, to] = [await actions({ from: timestampFromMs(middle) }), await actions({ to: timestampFromMs(middle) })];
    expect(from.length + to.length).toBe(entries.length);
    expect((await log().getAuditLog({ auditLogEntryId: entries[0]!.id })).entry).toEqual(entries[0]);
    const stored = await server.store.inOrganization(organizationId).all(auditKind);
    const addresses = stored.map(({ message }) => message.address);
    expect(new Set(addresses)).toEqual(new Set(["127.0.0.1"]));
    expect(JSON.stringify(stored, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value))).not.toContain(
      secretValue,
    );
  });

  test("what failed or was refused leaves no entry", async () => {
    const before = await actions();
    const { organizationId } = ada;
    expect(await codeOf(server.as(bob, OrganizationService).updateOrganization({ organizationId, name: "Bob's" }))).toBe(
      Code.PermissionDenied,
    );
    await server.as(ada, GroupService).createGroup({ organizationId, name: "once" });
    expect(await codeOf(server.as(ada, GroupService).createGroup({ organizationId, name: "once" }))).toBe(Code.AlreadyExists);
    expect(await codeOf(server.as(ada, ProjectService).deleteProject({ projectId: randomUUID() }))).toBe(Code.NotFound);
    expect(await actions()).toEqual([...before, "CreateGroup: created"]);
  });

  test("it is read in pages, by auditors of the organization alone, and nothing in it is changed", async () => {
    const all = (await log().listAuditLogs({ pagination: { pageSize: 100 } })).entries.map(({ id }) => id);
    const paged: string[] = [];
    for (let token = "", pages = 0; pages === 0 || token !== ""; pages++) {
      const page = await log().listAuditLogs({ pagination: { pageSize: 3, token } });
      paged.push(...page.entries.map(({ id }) => id));
      token = page.pagination?.nextToken ?? "";
    }
    expect(paged).toEqual(all);
    expect(await codeOf(server.as(bob, EventService).listAuditLogs({}))).toBe(Code.PermissionDenied);
    const eve = await server.founder("Eve");
    expect((await server.as(eve, EventService).listAuditLogs({})).entries).toEqual([]);
    expect(await codeOf(server.as(eve, EventService).getAuditLog({ auditLogEntryId: all[0]! }))).toBe(Code.NotFound);
    const store = server.store.inOrganization(ada.organizationId);
    const [entry] = await store.all(auditKind);
    await expect(store.transaction(async (tx) => tx.delete(auditKind, entry!))).rejects.toThrow("only added to");
    await expect(store.transaction(async (tx) => tx.update(auditKind, entry!, entry!.message))).rejects.toThrow("only added to");
  });

  test("programs are told apart from people", async () => {
    const accounts = server.as(ada, ServiceAccountService);
    const validUntil = timestampFromMs(Date.now() + 3_600_000);
    const { id: serviceAccountId = "" } = (await accounts.createServiceAccount({ name: "ci", validUntil })).serviceAccount ?? {};
    const { token } = await accounts.createServiceAccountAccessToken({ serviceAccountId });
    await server.as(token, ServiceAccountService).createServiceAccountToken({ description: "pipeline" });
    expect(await actions({ actorIds: [serviceAccountId] })).toEqual(["CreateServiceAccountToken: created"]);
    expect(await actions({ actorPrincipals: [Principal.SERVICE_ACCOUNT] })).toEqual(["CreateServiceAccountToken: created"]);
  });
});
