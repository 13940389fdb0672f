import { type CallOptions, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ErrorCode } from "../../../src/contract/error-catalogue.ts";
import { fromConnectError } from "../../../src/contract/connect-error.ts";
import { AccountService } from "../../../src/contract/gen/gitpod/v1/account_pb.js";
import { EventService } from "../../../src/contract/gen/gitpod/v1/event_pb.js";
import { GroupService } from "../../../src/contract/gen/gitpod/v1/group_pb.js";
import { OrganizationService } from "../../../src/contract/gen/gitpod/v1/organization_pb.js";
import { ProjectService } from "../../../src/contract/gen/gitpod/v1/project_pb.js";
import { RunnerKind, RunnerProvider } from "../../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerService } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import { SecretService } from "../../../src/contract/gen/gitpod/v1/secret_pb.js";
import { UserService } from "../../../src/contract/gen/gitpod/v1/user_pb.js";
import { creatingCallKind } from "../../../src/plane/idempotency/creating-call-kind.ts";
import { removeExpiredRecords } from "../../../src/plane/runner-store/remove-expired-records.ts";
import { isPostgres } from "../../../src/server/open-store.ts";
import type { RunningServer } from "../../../src/server/serve.ts";
import { postgresDatabases, sqliteDatabases } from "../store/databases.ts";
import type { Person } from "./people.ts";
import { ServedServer } from "./served-server.ts";

const initializer = { specs: [{ spec: { case: "contextUrl" as const, value: { url: "https://github.com/o/r" } } }] };
const dayMs = 24 * 60 * 60_000;

function keyed(key: string): CallOptions {
  return { headers: { "Idempotency-Key": key } };
}

async function failureOf(call: Promise<unknown>): Promise<ErrorCode | undefined> {
  return call.then(
    () => undefined,
    (error: unknown) => fromConnectError(error).code,
  );
}

/** Until `end`, what a call is answered cannot be written down, as when the server is killed before. */
async function refuseAnswers(databaseUrl: string): Promise<{ end(): Promise<void> }> {
  if (!isPostgres(databaseUrl)) {
    const database = new DatabaseSync(databaseUrl);
    database.exec(`CREATE TRIGGER refused BEFORE UPDATE ON resources WHEN NEW.kind = '${creatingCallKind.name}'
      BEGIN SELECT RAISE(ABORT, 'refused'); END`);
    return {
      end: async () => {
        database.exec("DROP TRIGGER refused");
        database.close();
      },
    };
  }
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
    CREATE TRIGGER refused BEFORE UPDATE ON resources FOR EACH ROW WHEN (NEW.kind = '${creatingCallKind.name}') EXECUTE FUNCTION refuse()`);
  return {
    end: async () => {
      await client.query("DROP TRIGGER refused ON resources; DROP FUNCTION refuse()");
      await client.end();
    },
  };
}

describe.each([sqliteDatabases(), postgresDatabases()])("creating calls that are repeated on $name", (databases) => {
  let server: ServedServer;
  /** On SQLite there is one process alone. */
  let other: RunningServer | undefined;
  let ada: Person;
  let bob: Person;

  beforeAll(async () => {
    await databases.start();
    server = await ServedServer.start(databases);
    if (isPostgres(server.databaseUrl)) other = await server.another();
    ada = await server.founder("Ada");
    bob = await server.member(ada.organizationId, "Bob");
  });
  afterAll(async () => {
    await other?.drain();
    await server.stop();
    await databases.stop();
  });

  const projectsOf = (who: Person) => server.as(who, ProjectService);

  async function countOf(name: string): Promise<number> {
    const { projects } = await projectsOf(ada).listProjects({ filter: { search: name } });
    return projects.length;
  }

  async function records() {
    return server.store.system("calls").all(creatingCallKind);
  }

  /** A caller's calls of each of the servers in turn. */
  function atEachServer(who: Person, count: number) {
    const ports = [new URL(server.baseUrl).port, ...(other === undefined ? [] : [String(other.port)])];
    return Array.from({ length: count }, (_, n) => {
      const baseUrl = `http://127.0.0.1:${ports[n % ports.length]}`;
      const transport = createConnectTransport({
        ...{ baseUrl, httpVersion: "1.1" as const },
        interceptors: [
          (next) => async (request) => {
            request.header.set("authorization", `Bearer ${who.token}`);
            return next(request);
          },
        ],
      });
      return {
        projects: createClient(ProjectService, transport),
        groups: createClient(GroupService, transport),
        organizations: createClient(OrganizationService, transport),
      };
    });
  }

  test("the first answer is given again, and nothing is made or logged twice", async () => {
    const key = randomUUID();
    const projects = projectsOf(bob);
    const first = await projects.createProject({ name: "again", initializer }, keyed(key));
    await projects.updateProject({ projectId: first.project!.id, name: "again and changed" });
    expect(await projects.createProject({ name: "again", initializer }, keyed(key))).toEqual(first);
    expect(await countOf("again")).toBe(1);
    const { entries } = await server.as(ada, EventService).listAuditLogs({ filter: { subjectIds: [first.project!.id] } });
    expect(entries).toHaveLength(2);
    expect(await failureOf(projects.createProject({ name: "again and changed", initializer }))).toBe("resource-exists");
  });

  test("of many at once on all servers one is carried out, also of several projects and where a name may be taken once", async () => {
    const [one, group, organization] = [randomUUID(), randomUUID(), randomUUID()];
    const { organizationId } = ada;
    const clients = atEachServer(ada, 8);
    const made = await Promise.all(clients.map(async (c) => c.projects.createProject({ name: "at once", initializer }, keyed(one))));
    expect(new Set(made.map(({ project }) => project?.id)).size).toBe(1);
    expect(await countOf("at once")).toBe(1);
    const groups = await Promise.all(clients.map(async (c) => c.groups.createGroup({ organizationId, name: "one" }, keyed(group))));
    expect(new Set(groups.map((answer) => answer.group?.id)).size).toBe(1);

    // Names of organizations are free, so that only the key keeps a second one from being made.
    const wanted = { name: "Bob's own", joinOrganization: true };
    const asBob = atEachServer(bob, 8);
    await Promise.allSettled(asBob.map(async (c) => c.organizations.createOrganization(wanted, keyed(organization))));
    const { account } = await server.as(bob, AccountService).getAccount({});
    expect(account?.memberships.map(({ organizationName }) => organizationName)).toEqual(["Ada's", "Bob's own"]);

    const several = { projects: [1, 2, 3].map((n) => ({ name: `several ${n}`, initializer })) };
    const key = randomUUID();
    const ended = await Promise.allSettled(clients.map(async (c) => c.projects.createProjects(several, keyed(key))));
    for (const end of ended) if (end.status === "rejected") expect(fromConnectError(end.reason).code).toBe("answer-unknown");
    expect(await countOf("several")).toBe(3);
    const { createdProjects, failedProjects } = await projectsOf(ada).createProjects(several, keyed(key));
    expect([createdProjects.length, failedProjects.length]).toEqual([3, 0]);
  });

  test("a key is for one request alone", async () => {
    const key = randomUUID();
    await projectsOf(ada).createProject({ name: "mine", initializer }, keyed(key));
    expect(await failureOf(projectsOf(ada).createProject({ name: "other", initializer }, keyed(key)))).toBe("idempotency-key-reused");
    expect(await countOf("other")).toBe(0);
  });

  test("a key counts for one caller and one method", async () => {
    const key = randomUUID();
    await projectsOf(ada).createProject({ name: "same key of Ada", initializer }, keyed(key));
    await projectsOf(bob).createProject({ name: "same key of Bob", initializer }, keyed(key));
    await server.as(ada, GroupService).createGroup({ organizationId: ada.organizationId, name: "same key" }, keyed(key));
    expect(await countOf("same key")).toBe(2);
  });

  test("what was made is answered, or said to be made, where the answer could not be written down", async () => {
    const refusal = await refuseAnswers(server.databaseUrl);
    const [one, several, organization] = [randomUUID(), randomUUID(), randomUUID()];
    const request = { projects: [{ name: "in between 2", initializer }] };
    const organizations = server.as(ada, OrganizationService);
    try {
      const first = await projectsOf(ada).createProject({ name: "in between", initializer }, keyed(one));
      expect(await projectsOf(ada).createProject({ name: "in between", initializer }, keyed(one))).toEqual(first);
      expect((await projectsOf(ada).createProjects(request, keyed(several))).createdProjects).toHaveLength(1);
      expect(await failureOf(projectsOf(ada).createProjects(request, keyed(several)))).toBe("answer-unknown");
      expect(await countOf("in between")).toBe(2);
      const wanted = { name: "Second", joinOrganization: true };
      await organizations.createOrganization(wanted, keyed(organization));
      expect(await failureOf(organizations.createOrganization(wanted, keyed(organization)))).toBe("answer-unknown");
    } finally {
      await refusal.end();
    }
    const { account } = await server.as(ada, AccountService).getAccount({});
    expect(account?.memberships).toHaveLength(2);
  });

  test("a credential is told once and not kept, and a repeated call makes no second one", async () => {
    const key = randomUUID();
    const users = server.as(bob, UserService);
    const request = { userId: bob.userId, description: "once" };
    const { token } = await users.createPersonalAccessToken(request, keyed(key));
    expect(await failureOf(users.createPersonalAccessToken(request, keyed(key)))).toBe("answer-not-kept");
    const { personalAccessTokens } = await users.listPersonalAccessTokens({});
    expect(personalAccessTokens.filter(({ description }) => description === "once")).toHaveLength(1);
    const runners = server.as(ada, RunnerService);
    const wanted = { name: "once", kind: RunnerKind.REMOTE, provider: RunnerProvider.LINUX_HOST };
    const { exchangeToken } = await runners.createRunner(wanted, keyed(key));
    expect(await failureOf(runners.createRunner(wanted, keyed(key)))).toBe("answer-not-kept");
    expect((await runners.listRunners({})).runners).toHaveLength(1);
    const kept = (await records()).map(({ message }) => Buffer.from(message.answer ?? []).toString("latin1")).join("\n");
    expect(kept).not.toContain(token);
    expect(kept).not.toContain(exchangeToken);
  });

  test("a secret's value is in nothing that is kept", async () => {
    const key = randomUUID();
    const value = "s3cr3t-that-nobody-reads";
    const scope = { scope: { case: "userId" as const, value: bob.userId } };
    const request = { name: "KEPT", value, mount: { case: "environmentVariable" as const, value: true }, scope };
    const secrets = server.as(bob, SecretService);
    const first = await secrets.createSecret(request, keyed(key));
    expect(await secrets.createSecret(request, keyed(key))).toEqual(first);
    expect(await failureOf(secrets.createSecret({ ...request, value: "other" }, keyed(key)))).toBe("idempotency-key-reused");
    for (const { message } of await records())
      expect(Buffer.concat([message.fingerprint, message.answer ?? new Uint8Array()]).includes(value)).toBe(false);
  });

  test("a call that fails leaves its key free", async () => {
    const key = randomUUID();
    const groups = server.as(ada, GroupService);
    const { organizationId } = ada;
    await groups.createGroup({ organizationId, name: "taken" });
    expect(await failureOf(groups.createGroup({ organizationId, name: "Taken" }, keyed(key)))).toBe("resource-exists");
    expect((await groups.createGroup({ organizationId, name: "free" }, keyed(key))).group?.name).toBe("free");
  });

  test("a key has 1 to 255 printable characters, and methods that make nothing do not look at it", async () => {
    const projects = projectsOf(ada);
    for (const key of ["", "x".repeat(256), "tab\tin it", "é"])
      expect(await failureOf(projects.createProject({ name: "odd key", initializer }, keyed(key)))).toBe("request-invalid");
    expect(await countOf("odd key")).toBe(0);
    await projects.listProjects({}, keyed("x".repeat(256)));
    await projects.createProject({ name: "odd key", initializer }, keyed("x".repeat(255)));
  });

  test("after a day a key is new, and what was kept of it is removed", async () => {
    const key = randomUUID();
    await projectsOf(ada).createProject({ name: "a day before", initializer }, keyed(key));
    const kept = await records();
    for (const { message } of kept) {
      expect(Number(message.expiresAtMs)).toBeGreaterThan(Date.now() + dayMs - 10 * 60_000);
      expect(Number(message.expiresAtMs)).toBeLessThanOrEqual(Date.now() + dayMs);
    }
    await server.store.system("calls").transaction(async (tx) => {
      for (const stored of await tx.all(creatingCallKind)) tx.update(creatingCallKind, stored, { ...stored.message, expiresAtMs: 1n });
    });
    await projectsOf(ada).createProject({ name: "a day later", initializer }, keyed(key));
    await removeExpiredRecords(server.store, Date.now());
    expect(await records()).toHaveLength(1);
    await removeExpiredRecords(server.store, Date.now() + dayMs + 1);
    expect(await records()).toEqual([]);
  });
});
