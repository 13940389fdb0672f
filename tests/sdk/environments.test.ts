import type Gitpod from "@gitpod/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EnvironmentPhase, EnvironmentStatus_ContentPhase } from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { fromUrl, ServedPlane, unknownId } from "./served-plane.ts";

let served: ServedPlane;
let client: Gitpod;

beforeAll(async () => {
  served = await ServedPlane.start();
  ({ client } = served);
});
afterAll(async () => served.close());

test("creates from an address: named after the repository, to run, on this computer, the caller's own", async () => {
  const { environment } = await client.environments.create({ spec: { content: fromUrl("https://github.com/o/my-app/tree/dev") } });
  const { user } = await client.users.getAuthenticatedUser({});
  const [runner] = (await client.runners.list({})).runners;
  const classes = await client.environments.classes.list({});
  expect(environment).toMatchObject({
    metadata: {
      name: "my-app",
      originalContextUrl: "https://github.com/o/my-app/tree/dev",
      creator: { id: user.id, principal: "PRINCIPAL_USER" },
      organizationId: user.organizationId,
      runnerId: runner?.runnerId,
      role: "ENVIRONMENT_ROLE_DEFAULT",
    },
    spec: {
      specVersion: "1",
      desiredPhase: "ENVIRONMENT_PHASE_RUNNING",
      machine: { class: classes.environmentClasses[0]?.id },
      content: fromUrl("https://github.com/o/my-app/tree/dev"),
    },
    status: { phase: "ENVIRONMENT_PHASE_CREATING" },
  });
  expect(Date.parse(environment.metadata?.createdAt ?? "")).toBeGreaterThan(served.nowMs - 1000);
  const again = await client.environments.create({ spec: { content: fromUrl("https://github.com/o/my-app") } });
  expect(again.environment.metadata?.name).toBe("my-app-2");
});

test("creates from a git initializer, with a name, stopped, with keys, a session and annotations", async () => {
  const git = { remoteUri: "https://git.example/o/r.git", targetMode: "CLONE_TARGET_MODE_REMOTE_TAG", cloneTarget: "v1" } as const;
  const id = await served.make({
    name: "by hand",
    sessionId: unknownId,
    annotations: { "example.org/ticket": "7" },
    spec: {
      desiredPhase: "ENVIRONMENT_PHASE_STOPPED",
      content: { initializer: { specs: [{ git }] }, gitEmail: "a@example.org" },
      devcontainer: { devcontainerFilePath: ".devcontainer/x/devcontainer.json" },
      sshPublicKeys: [{ id: "k", value: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK a@b" }],
      timeout: { disconnected: "0s" },
    },
  });
  expect(await served.get(id)).toMatchObject({
    metadata: { name: "by hand", sessionId: unknownId, annotations: { "example.org/ticket": "7" } },
    spec: {
      desiredPhase: "ENVIRONMENT_PHASE_STOPPED",
      content: { initializer: { specs: [{ git }] }, gitEmail: "a@example.org" },
      devcontainer: { devcontainerFilePath: ".devcontainer/x/devcontainer.json" },
      sshPublicKeys: [{ id: "k" }],
    },
  });
});

test.each<[string, number, string, object]>([
  ["nothing at all", 400, "request-invalid", {}],
  ["no repository", 400, "request-invalid", { spec: { content: {} } }],
  ["an address that is none", 400, "request-invalid", { spec: { content: fromUrl("not an address") } }],
  ["a remote helper", 400, "url-invalid", { spec: { content: fromUrl("ext::sh%20-c%20id") } }],
  ["a local file", 400, "url-invalid", { spec: { content: fromUrl("file:///etc/passwd") } }],
  ["a name with a slash", 400, "name-invalid", { name: "a/b" }],
  ["a name that is too long", 400, "request-invalid", { name: "x".repeat(81) }],
  ["a class nobody has", 404, "resource-not-found", { spec: { machine: { class: unknownId } } }],
  ["a phase nobody can want", 400, "request-invalid", { spec: { desiredPhase: "ENVIRONMENT_PHASE_STARTING" } }],
  ["an absolute devcontainer path", 400, "request-invalid", { spec: { devcontainer: { devcontainerFilePath: "/etc/x" } } }],
  ["a timeout below the API's least", 400, "request-invalid", { spec: { timeout: { disconnected: "60s" } } }],
  ["a timeout nobody would keep", 501, "not-supported", { spec: { timeout: { disconnected: "3600s" } } }],
  ["two repositories", 501, "not-supported", { spec: { content: { initializer: { specs: [{ git: {} }, { git: {} }] } } } }],
  ["a port for everyone", 501, "not-supported", { spec: { ports: [{ port: 3000, name: "web", admission: "ADMISSION_LEVEL_EVERYONE" }] } }],
  ["a port out of range", 400, "request-invalid", { spec: { ports: [{ port: 80, name: "web" }] } }],
  ["an automations file", 501, "not-supported", { spec: { automationsFile: { automationsFilePath: ".gitpod/automations.yaml" } } }],
  ["secrets of its own", 501, "not-supported", { spec: { secrets: [{ name: "A", environmentVariable: "A" }] } }],
  ["a key with options", 400, "request-invalid", { spec: { sshPublicKeys: [{ id: "k", value: 'command="id" ssh-ed25519 AAAA' }] } }],
  ["two keys in one", 400, "request-invalid", { spec: { sshPublicKeys: [{ id: "k", value: "ssh-ed25519 AAAA\nssh-rsa BBBB" }] } }],
])("refuses to create with %s", async (what, status, errorCode, { spec, ...rest }: { spec?: object }) => {
  const content = fromUrl("https://github.com/o/refused");
  const body = what === "nothing at all" ? {} : { ...rest, spec: { content, ...spec } };
  const before = (await client.environments.list({ pagination: { pageSize: 100 } })).environments.length;
  await expect(client.environments.create(body)).rejects.toMatchObject({
    status,
    error: { details: [{ type: "gitpod.v1.ActionableErrorDetails", debug: { errorCode } }] },
  });
  expect((await client.environments.list({ pagination: { pageSize: 100 } })).environments).toHaveLength(before);
});

test("a name is taken whatever its capitals, and so is one that ssh cannot tell from it", async () => {
  await served.make({ name: "taken" });
  await expect(served.make({ name: "Taken" })).rejects.toMatchObject({ status: 409 });
  await served.make({ name: "two words" });
  await expect(served.make({ name: "Two-Words" })).rejects.toMatchObject({ status: 409 });
});

test("starts, stops and deletes: the wish is recorded, and counted", async () => {
  const id = await served.make();
  await client.environments.stop({ environmentId: id });
  expect((await served.get(id)).spec).toMatchObject({ desiredPhase: "ENVIRONMENT_PHASE_STOPPED", specVersion: "2" });
  served.nowMs += 60_000;
  await client.environments.start({ environmentId: id });
  const started = await served.get(id);
  expect(started.spec).toMatchObject({ desiredPhase: "ENVIRONMENT_PHASE_RUNNING", specVersion: "3" });
  expect(Date.parse(started.metadata?.lastStartedAt ?? "")).toBe(served.nowMs);
  await client.environments.delete({ environmentId: id });
  expect((await served.get(id)).spec?.desiredPhase).toBe("ENVIRONMENT_PHASE_DELETED");
  await expect(client.environments.start({ environmentId: id })).rejects.toMatchObject({ status: 400 });
  await served.plane.environmentStore.remove(id);
  await expect(served.get(id)).rejects.toMatchObject({ status: 404 });
});

test("updates name, dev container, keys and ports, and nothing else with them", async () => {
  const id = await served.make({ name: "to update" });
  await client.environments.update({
    environmentId: id,
    metadata: { name: "updated" },
    spec: {
      devcontainer: { session: "again", devcontainerFilePath: "b.json" },
      sshPublicKeys: [
        { id: "a", value: "ssh-ed25519 AAAA a" },
        { id: "b", value: "ssh-ed25519 BBBB b" },
      ],
      ports: [
        { port: 3000, name: "web" },
        { port: 4000, name: "api", admission: "ADMISSION_LEVEL_CREATOR_ONLY" as "ADMISSION_LEVEL_OWNER_ONLY" },
      ],
      timeout: { disconnected: "0s" },
    },
  });
  expect(await served.get(id)).toMatchObject({
    metadata: { name: "updated" },
    spec: {
      desiredPhase: "ENVIRONMENT_PHASE_RUNNING",
      content: fromUrl("https://github.com/o/r"),
      devcontainer: { session: "again", devcontainerFilePath: "b.json" },
      sshPublicKeys: [{ id: "a" }, { id: "b" }],
      ports: [{ port: 3000 }, { port: 4000 }],
    },
  });
  await client.environments.update({ environmentId: id, spec: { sshPublicKeys: [{ id: "a" }], ports: [{ port: 4000, name: "api" }] } });
  expect((await served.get(id)).spec).toMatchObject({ sshPublicKeys: [{ id: "b" }], ports: [{ port: 4000 }] });
  await client.environments.update({ environmentId: id, spec: {} });
  expect((await served.get(id)).spec).toMatchObject({ sshPublicKeys: [{ id: "b" }], ports: [{ port: 4000 }] });
});

test.each<[string, number, object]>([
  ["a name that is taken", 409, { metadata: { name: "other" } }],
  ["a name that is none", 400, { metadata: { name: "-" } }],
  ["a timeout nobody would keep", 501, { spec: { timeout: { disconnected: "3600s" } } }],
  ["an automations file", 501, { spec: { automationsFile: { automationsFilePath: "a.yaml" } } }],
  ["an automations session", 501, { spec: { automationsFile: { session: "a" } } }],
  ["a port for the organization", 501, { spec: { ports: [{ port: 3000, name: "a", admission: "ADMISSION_LEVEL_ORGANIZATION" }] } }],
  [
    "a port twice",
    400,
    {
      spec: {
        ports: [
          { port: 3000, name: "a" },
          { port: 3000, name: "b" },
        ],
      },
    },
  ],
  ["kernel controls", 501, { spec: { kernelControlsConfig: {} } }],
  ["a key with options", 400, { spec: { sshPublicKeys: [{ id: "k", value: "no-pty ssh-ed25519 AAAA" }] } }],
  ["another repository for a working copy that is there", 501, { spec: { content: fromUrl("https://github.com/o/other") } }],
])("refuses to update with %s and changes nothing", async (what, status, change) => {
  const id = await served.make();
  await served.observe(id, { content: { phase: EnvironmentStatus_ContentPhase.READY } });
  if (what.includes("taken")) await served.make({ name: "other" });
  const before = await served.get(id);
  await expect(client.environments.update({ environmentId: id, ...change })).rejects.toMatchObject({ status });
  expect(await served.get(id)).toEqual(before);
});

test("a clone that failed can be wished anew from another address", async () => {
  const id = await served.make();
  await served.observe(id, { content: { phase: EnvironmentStatus_ContentPhase.FAILED, failureMessage: "ref-not-found: x" } });
  const before = await served.get(id);
  await client.environments.update({ environmentId: id, spec: { content: fromUrl("https://github.com/o/mended") } });
  await client.environments.start({ environmentId: id });
  const after = await served.get(id);
  expect(after.spec?.content).toMatchObject(fromUrl("https://github.com/o/mended"));
  expect(after.spec?.content?.session).not.toBe(before.spec?.content?.session);
});

test("archives and takes out of the archive; what is archived does not start", async () => {
  const id = await served.make();
  const post = async (method: string): Promise<unknown> =>
    client.post(`/gitpod.v1.EnvironmentService/${method}`, { body: { environmentId: id } });
  await post("ArchiveEnvironment");
  const archived = await served.get(id);
  expect(archived.spec?.desiredPhase).toBe("ENVIRONMENT_PHASE_STOPPED");
  expect(archived.metadata).toHaveProperty("archivedAt");
  await expect(client.environments.start({ environmentId: id })).rejects.toMatchObject({ status: 400 });
  await post("UnarchiveEnvironment");
  expect((await served.get(id)).metadata).not.toHaveProperty("archivedAt");
  await client.environments.start({ environmentId: id });
});

test("does not start behind its lockdown", async () => {
  const id = await served.make();
  const lockdownAt = new Date(served.nowMs + 1000).toISOString();
  await client.environments.update({ environmentId: id, metadata: { lockdownAt } } as Gitpod.EnvironmentUpdateParams);
  await client.environments.start({ environmentId: id });
  served.nowMs += 1000;
  await expect(client.environments.start({ environmentId: id })).rejects.toMatchObject({ status: 400 });
});

test("keeps signs of activity", async () => {
  const id = await served.make();
  await client.environments.markActive({ environmentId: id, activitySignal: { source: "VS Code" } });
  await served.observe(id, { phase: EnvironmentPhase.RUNNING, activitySignal: { source: "VS Code" } });
  expect((await served.get(id)).status?.activitySignal?.source).toBe("VS Code");
});
