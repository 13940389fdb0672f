import { create } from "@bufbuild/protobuf";
import Gitpod from "@gitpod/sdk";
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { EnvironmentSchema } from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import {
  EnvironmentAutomationService,
  ServicePhase,
  TaskExecutionPhase,
  TaskExecutionSchema,
} from "../../src/contract/gen/gitpod/v1/environment_automation_pb.js";
import { IdentityService, Principal } from "../../src/contract/gen/gitpod/v1/identity_pb.js";
import { RunnerProvider, RunnerKind } from "../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerInteractionService } from "../../src/contract/gen/gitpod/v1/runner_interaction_pb.js";
import { RunnerService } from "../../src/contract/gen/gitpod/v1/runner_pb.js";
import { uuidV7 } from "../../src/lib/uuid.ts";
import { taskExecutionKind } from "../../src/plane/store/automation-kinds.ts";
import { environmentKind } from "../../src/plane/store/kinds.ts";
import type { Person } from "../integration/server/people.ts";
import { ServedServer } from "../integration/server/served-server.ts";
import { postgresDatabases, sqliteDatabases } from "../integration/store/databases.ts";

describe.each([sqliteDatabases(), postgresDatabases()])("automations on a server with $name", (databases) => {
  let server: ServedServer;
  let ada: Person;
  let bob: Person;
  let client: Gitpod;
  let bobs: Gitpod;
  let environmentId: string;

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
    bobs = sdkOf(bob.token);
    environmentId = await environmentOf(ada);
  });

  function sdkOf(bearerToken: string): Gitpod {
    return new Gitpod({ bearerToken, baseURL: server.baseUrl, maxRetries: 0 });
  }

  async function environmentOf(person: Person, runnerId = uuidV7(Date.now())): Promise<string> {
    const id = uuidV7(Date.now());
    const creator = { id: person.userId, principal: Principal.USER };
    const metadata = { organizationId: person.organizationId, runnerId, creator, name: `environment ${id}` };
    await server.store.inOrganization(person.organizationId).transaction(async (tx) => {
      tx.insert(environmentKind, id, create(EnvironmentSchema, { id, metadata, spec: { specVersion: 1n } }));
    });
    return id;
  }

  /** A runner with somebody's environment on it, both with their tokens. */
  async function signedUp(owner = ada) {
    const wanted = { name: "rack", provider: RunnerProvider.LINUX_HOST, kind: RunnerKind.REMOTE };
    const { runner, exchangeToken } = await server.as(ada, RunnerService).createRunner(wanted);
    const { accessToken } = await server.as(ada, IdentityService).exchangeToken({ exchangeToken });
    const protocol = server.as(accessToken, RunnerInteractionService);
    await protocol.signup({ publicKey: randomBytes(32) });
    const runnerId = runner?.runnerId ?? "";
    const id = await environmentOf(owner, runnerId);
    const { environments } = await protocol.listRunnerEnvironments({ runnerId });
    return { runnerId, protocol, id, token: environments[0]?.environmentAccessToken ?? "" };
  }

  function automations() {
    return client.environments.automations;
  }

  async function service(reference: string): Promise<string> {
    const metadata = { reference, name: reference };
    const spec = { commands: { start: "npm run dev", ready: "curl localhost:3000" } };
    return (await automations().services.create({ environmentId, metadata, spec })).service.id;
  }

  test("a service is wished for, changed while it rests, and goes when it is deleted", async () => {
    const id = await service("web");
    const { services } = automations();
    expect((await services.retrieve({ id })).service).toMatchObject({
      environmentId,
      metadata: { reference: "web", creator: { id: ada.userId }, role: "SERVICE_ROLE_DEFAULT" },
      spec: { desiredPhase: "SERVICE_PHASE_STOPPED", specVersion: "1", commands: { start: "npm run dev" } },
      status: { phase: "SERVICE_PHASE_STOPPED" },
    });
    await expect(service("web")).rejects.toBeInstanceOf(Gitpod.ConflictError);
    await services.update({ id, metadata: { name: "Web" }, spec: { commands: { start: "npm start" } } });
    await services.start({ id });
    const started = (await services.retrieve({ id })).service;
    expect(started).toMatchObject({
      metadata: { name: "Web" },
      spec: { desiredPhase: "SERVICE_PHASE_RUNNING", commands: { start: "npm start", ready: "curl localhost:3000" } },
    });
    await expect(services.update({ id, spec: { commands: { start: "other" } } })).rejects.toMatchObject({
      error: { code: "failed_precondition", details: [{ debug: { errorCode: "service-running" } }] },
    });
    await services.stop({ id });
    expect((await services.retrieve({ id })).service.spec?.desiredPhase).toBe("SERVICE_PHASE_STOPPED");
    await services.start({ id });
    expect((await services.retrieve({ id })).service.spec?.session).not.toBe(started.spec?.session);
    await services.delete({ id });
    expect((await services.retrieve({ id })).service.spec?.desiredPhase).toBe("SERVICE_PHASE_DELETED");
    await services.delete({ id, force: true });
    await expect(services.retrieve({ id })).rejects.toBeInstanceOf(Gitpod.NotFoundError);
  });

  test("a task runs after what it depends on, as it was when it was started", async () => {
    const { tasks } = automations();
    const make = async (reference: string, dependsOn: string[] = []): Promise<string> => {
      const metadata = { reference, name: reference };
      return (await tasks.create({ environmentId, metadata, spec: { command: `npm run ${reference}` }, dependsOn })).task.id;
    };
    const install = await make("install");
    const build = await make("build", [install]);
    await expect(make("odd", [uuidV7(Date.now())])).rejects.toBeInstanceOf(Gitpod.BadRequestError);
    await expect(tasks.update({ id: install, dependsOn: [build] })).rejects.toBeInstanceOf(Gitpod.BadRequestError);
    await expect(tasks.delete({ id: install })).rejects.toBeInstanceOf(Gitpod.BadRequestError);
    const { taskExecution } = await tasks.start({ id: build });
    await tasks.update({ id: build, spec: { command: "make" } });
    expect((await tasks.retrieve({ id: build })).task.spec?.command).toBe("make");
    const kept = (await tasks.executions.retrieve({ id: taskExecution.id })).taskExecution;
    expect(kept).toMatchObject({
      metadata: { taskId: build, environmentId, creator: { id: ada.userId } },
      spec: {
        desiredPhase: "TASK_EXECUTION_PHASE_RUNNING",
        plan: [
          { steps: [{ label: "install", task: { id: install } }] },
          { steps: [{ label: "build", task: { spec: { command: "npm run build" } } }] },
        ],
      },
      status: { phase: "TASK_EXECUTION_PHASE_PENDING", steps: [{ phase: "TASK_EXECUTION_PHASE_PENDING" }, {}] },
    });
    await tasks.executions.stop({ id: taskExecution.id });
    expect((await tasks.executions.retrieve({ id: taskExecution.id })).taskExecution.status?.phase).toBe("TASK_EXECUTION_PHASE_STOPPED");
    const listed: string[] = [];
    for await (const one of tasks.executions.list({ filter: { taskReferences: ["build"], phases: ["TASK_EXECUTION_PHASE_STOPPED"] } }))
      listed.push(one.id);
    expect(listed).toEqual([taskExecution.id]);
    expect((await tasks.executions.list({ filter: { taskIds: [install] } })).taskExecutions).toEqual([]);
    await tasks.delete({ id: build });
    await expect(tasks.retrieve({ id: build })).rejects.toBeInstanceOf(Gitpod.NotFoundError);
    await tasks.delete({ id: install });
  });

  test("a file makes what is new, changes what is there, and says what it changed", async () => {
    const automationsFile = (command: string) => ({
      services: { db: { name: "Database", commands: { start: "postgres" }, role: "editor" as const } },
      tasks: {
        test: { name: "Test", command, dependsOn: ["install"], triggeredBy: ["postDevcontainerStart" as const] },
        install: { name: "Install", command: "npm ci" },
      },
    });
    const first = await automations().upsert({ environmentId, automationsFile: automationsFile("npm test") });
    expect([first.updatedServiceIds, first.updatedTaskIds].map((ids) => ids?.length)).toEqual([1, 2]);
    const { services, tasks } = automations();
    const [db] = (await services.list({ filter: { environmentIds: [environmentId] } })).services;
    expect(db).toMatchObject({ metadata: { reference: "db", role: "SERVICE_ROLE_EDITOR" }, spec: { commands: { start: "postgres" } } });
    const again = await automations().upsert({ environmentId, automationsFile: automationsFile("npm run test:all") });
    const all: Gitpod.Task[] = [];
    for await (const task of tasks.list({ filter: { environmentIds: [environmentId] }, pagination: { pageSize: 1 } })) all.push(task);
    const [tested, install] = ["test", "install"].map((reference) => all.find(({ metadata }) => metadata?.reference === reference));
    expect(again.updatedServiceIds).toBeUndefined();
    expect(again).toMatchObject({ updatedTaskIds: [tested?.id] });
    expect(tested).toMatchObject({
      dependsOn: [install?.id],
      spec: { command: "npm run test:all" },
      metadata: { triggeredBy: [{ postDevcontainerStart: true }] },
    });
    const odd = { tasks: { a: { name: "A", command: "a", dependsOn: ["b"] } } };
    await expect(automations().upsert({ environmentId, automationsFile: odd })).rejects.toBeInstanceOf(Gitpod.BadRequestError);
    await expect(automations().upsert({ environmentId, automationsFile: { services: { "a b": { name: "A" } } } })).rejects.toThrow("400");
  });

  test("others of the organization neither see nor start them, until the environment is shared", async () => {
    const id = await service("private");
    const theirs = bobs.environments.automations.services;
    await expect(theirs.retrieve({ id })).rejects.toBeInstanceOf(Gitpod.PermissionDeniedError);
    await expect(theirs.start({ id })).rejects.toBeInstanceOf(Gitpod.PermissionDeniedError);
    expect((await theirs.list({})).services).toEqual([]);
    await expect(theirs.list({ filter: { environmentIds: [environmentId] } })).rejects.toBeInstanceOf(Gitpod.PermissionDeniedError);
    const eve = await server.founder("Eve");
    await expect(sdkOf(eve.token).environments.automations.services.retrieve({ id })).rejects.toBeInstanceOf(Gitpod.NotFoundError);
    // What is said of a service is the environment's to say.
    await expect(automations().services.update({ id, status: { phase: "SERVICE_PHASE_RUNNING" } })).rejects.toThrow("403");
    const execution = server.as(ada, EnvironmentAutomationService).updateTaskExecutionStatus({ id: uuidV7(1), steps: [] });
    await expect(execution).rejects.toThrow("permission_denied");
  });

  test("whoever owns an environment is told of what others change in it", async () => {
    const { id: ofBob, token } = await signedUp(bob);
    const events = await bobs.events.watch({ organization: true });
    const wanted = { metadata: { reference: "watched", name: "Watched" }, spec: { commands: { start: "true" } } };
    const id = (await server.as(token, EnvironmentAutomationService).createService({ environmentId: ofBob, ...wanted })).service?.id;
    for await (const event of events) {
      // Of what came just before it may still tell.
      if (event.resourceType !== "RESOURCE_TYPE_SERVICE") continue;
      expect(event).toEqual({ operation: "RESOURCE_OPERATION_CREATE", resourceType: "RESOURCE_TYPE_SERVICE", resourceId: id });
      break;
    }
  });

  test("the runner is told, and the environment reads what is wanted and says how it went", async () => {
    const { runnerId, protocol, id, token } = await signedUp();
    environmentId = id;
    const ended = new AbortController();
    const requests = protocol.watchRequests({ runnerId }, { signal: ended.signal })[Symbol.asyncIterator]();
    // The plane asks first whether the runner is there.
    expect((await requests.next()).value).toMatchObject({ request: { case: "callPing" } });
    const serviceId = await service("web");
    expect((await requests.next()).value).toMatchObject({ request: { case: "eventEnvironmentSpecChange", value: { environmentId } } });
    ended.abort();
    await automations().services.start({ id: serviceId });
    const inside = server.as(token, EnvironmentAutomationService);
    const [wanted] = (await inside.listServices({ filter: { environmentIds: [environmentId] } })).services;
    expect(wanted).toMatchObject({ id: serviceId, spec: { desiredPhase: ServicePhase.RUNNING } });
    await inside.updateService({
      id: serviceId,
      status: { phase: ServicePhase.RUNNING, logUrl: "https://logs", output: { a: "1", b: "2" } },
    });
    await inside.updateService({ id: serviceId, status: { output: { a: "" } } });
    expect((await automations().services.retrieve({ id: serviceId })).service).toMatchObject({
      spec: { specVersion: "2" },
      status: { phase: "SERVICE_PHASE_RUNNING", logUrl: "https://logs", output: { b: "2" }, statusVersion: "3" },
    });
    await automations().services.delete({ id: serviceId });
    await inside.updateService({ id: serviceId, status: { phase: ServicePhase.STOPPED } });
    await expect(automations().services.retrieve({ id: serviceId })).rejects.toBeInstanceOf(Gitpod.NotFoundError);

    const metadata = { reference: "test", name: "Test" };
    const { task } = await automations().tasks.create({ environmentId, metadata, spec: { command: "npm test" } });
    await inside.startTask({ id: task.id });
    const [execution] = (await inside.listTaskExecutions({ filter: { phases: [TaskExecutionPhase.PENDING] } })).taskExecutions;
    const step = execution?.status?.steps[0];
    const tell = async (phase: TaskExecutionPhase) =>
      inside.updateTaskExecutionStatus({ id: execution?.id ?? "", steps: [{ id: step?.id ?? "", phase }] });
    const shown = async () => (await automations().tasks.executions.retrieve({ id: execution?.id ?? "" })).taskExecution;
    await tell(TaskExecutionPhase.RUNNING);
    expect(await shown()).toMatchObject({ status: { phase: "TASK_EXECUTION_PHASE_RUNNING" }, metadata: { startedAt: expect.any(String) } });
    await tell(TaskExecutionPhase.SUCCEEDED);
    await tell(TaskExecutionPhase.FAILED);
    expect(await shown()).toMatchObject({
      status: { phase: "TASK_EXECUTION_PHASE_SUCCEEDED" },
      metadata: { completedAt: expect.any(String), creator: { id: environmentId } },
    });
    await expect(inside.createTask({ environmentId: await environmentOf(ada), metadata, spec: { command: "id" } })).rejects.toThrow(
      "permission_denied",
    );
    // What goes with the environment is gone.
    await protocol.updateRunnerEnvironmentStatus({ runnerId, environmentId, status: {} });
    await client.runners.delete({ runnerId, force: true });
    expect((await automations().tasks.list({})).tasks).toEqual([]);
  });

  test("of executions the last hundred are kept", async () => {
    const metadata = { reference: "often", name: "Often" };
    const { task } = await automations().tasks.create({ environmentId, metadata, spec: { command: "true" } });
    const store = server.store.inOrganization(ada.organizationId);
    const ids = Array.from({ length: 100 }, () => uuidV7(Date.now()));
    await store.transaction(async (tx) => {
      for (const [index, id] of ids.entries()) {
        const phase = index === 3 ? TaskExecutionPhase.FAILED : TaskExecutionPhase.RUNNING;
        tx.insert(
          taskExecutionKind,
          id,
          create(TaskExecutionSchema, { id, metadata: { environmentId, taskId: task.id }, status: { phase } }),
        );
      }
    });
    const { taskExecution } = await automations().tasks.start({ id: task.id });
    const kept = await store.all(taskExecutionKind, { where: { parentIds: [environmentId] } });
    expect(kept.map((one) => one.id).toSorted()).toEqual([...ids.filter((_, n) => n !== 3), taskExecution.id].toSorted());
    await expect(automations().tasks.start({ id: task.id })).rejects.toThrow("have not ended");
  });
});
