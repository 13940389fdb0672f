import type Gitpod from "@gitpod/sdk";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ServedPlane, unknownId } from "./served-plane.ts";

let served: ServedPlane;
let client: Gitpod;
let userId: string;
let organizationId: string;
let runnerId: string;

beforeAll(async () => {
  served = await ServedPlane.start();
  ({ client } = served);
  ({ id: userId = "", organizationId = "" } = (await client.users.getAuthenticatedUser({})).user);
  runnerId = (await client.runners.list({})).runners[0]?.runnerId ?? "";
});
afterAll(async () => served.close());

test("says who calls: one person, one organization", async () => {
  const { user } = await client.users.getAuthenticatedUser({});
  expect(user).toMatchObject({ name: "You", status: "USER_STATUS_ACTIVE" });
  expect(await client.identity.getAuthenticatedIdentity({})).toMatchObject({
    organizationId,
    subject: { id: userId, principal: "PRINCIPAL_USER" },
  });
});

test("there is one runner: this computer", async () => {
  const [runner, ...others] = (await client.runners.list({})).runners;
  expect(others).toEqual([]);
  expect(runner).toMatchObject({
    name: "This computer",
    kind: "RUNNER_KIND_LOCAL",
    status: { phase: "RUNNER_PHASE_ACTIVE", version: "test" },
    creator: { id: userId },
  });
  expect((await client.runners.retrieve({ runnerId })).runner).toEqual(runner);
  await expect(client.runners.retrieve({ runnerId: unknownId })).rejects.toMatchObject({ status: 404 });
});

test.each<[object, number]>([
  [{ kinds: ["RUNNER_KIND_LOCAL"] }, 1],
  [{ kinds: ["RUNNER_KIND_REMOTE"] }, 0],
  [{ providers: ["RUNNER_PROVIDER_AWS_EC2"] }, 0],
  [{ providers: ["RUNNER_PROVIDER_LINUX_HOST", "RUNNER_PROVIDER_DESKTOP_MAC"] }, 1],
  [{ creatorIds: [unknownId] }, 0],
])("runners are filtered by %j", async (filter, count) => {
  expect((await client.runners.list({ filter } as Gitpod.RunnerListParams)).runners).toHaveLength(count);
});

test("there are two classes, the shared one first, found the same way by both services", async () => {
  const { environmentClasses: all } = await client.environments.classes.list({});
  const [first, second] = all;
  expect(first).toMatchObject({ runnerId, displayName: "This computer", enabled: true });
  expect(second).toMatchObject({ runnerId, displayName: "Own machine", enabled: true });
  expect(second?.configuration).toContainEqual({ key: "machine", value: "own" });
  expect((await client.runners.configurations.environmentClasses.list({})).environmentClasses).toEqual(all);
  for (const wanted of all) {
    const one = await client.runners.configurations.environmentClasses.retrieve({ environmentClassId: wanted.id });
    expect(one.environmentClass).toEqual(wanted);
  }
  await expect(client.runners.configurations.environmentClasses.retrieve({ environmentClassId: unknownId })).rejects.toMatchObject({
    status: 404,
  });
  for (const [filter, count] of [
    [{ runnerIds: [runnerId] }, 2],
    [{ runnerIds: [unknownId] }, 0],
    [{ enabled: false }, 0],
    [{ canCreateEnvironments: true }, 2],
    [{ runnerKinds: ["RUNNER_KIND_REMOTE"] }, 0],
    [{ runnerProviders: ["RUNNER_PROVIDER_GCP"] }, 0],
  ] as const)
    expect((await client.environments.classes.list({ filter } as object)).environmentClasses).toHaveLength(count);
});

test("an environment is of the class it was made with, and of the shared one when nothing was said", async () => {
  const { environmentClasses } = await client.environments.classes.list({});
  const [shared, own] = environmentClasses.map(({ id }) => id);
  for (const [machine, expected] of [
    [{ class: own }, own],
    [{ class: shared }, shared],
    [{}, shared],
  ] as const) {
    const id = await served.make({ spec: { machine } });
    expect((await served.get(id)).spec?.machine?.class).toBe(expected);
    expect(served.plane.isDedicated(id)).toBe(expected === own);
  }
  const parsed = await client.runners.parseContextURL({ contextUrl: "https://github.com/o/r", runnerId });
  expect(parsed).toMatchObject({ recommendedEnvironmentClasses: [shared, own] });
});

test.each<[string, object]>([
  ["https://github.com/o/r", { cloneUrl: "https://github.com/o/r", host: "github.com", owner: "o", repo: "r" }],
  ["https://github.com/o/r/tree/feature/x", { cloneUrl: "https://github.com/o/r.git", branch: "feature/x" }],
  ["https://github.com/o/r/releases/tag/v1", { tag: "v1" }],
  ["https://gitlab.com/a/b/c/-/tree/main", { cloneUrl: "https://gitlab.com/a/b/c.git", owner: "a/b", repo: "c", branch: "main" }],
  ["https://bitbucket.org/o/r/branch/dev", { cloneUrl: "https://bitbucket.org/o/r.git", branch: "dev" }],
  ["https://dev.azure.com/org/p/_git/r?version=GBdev", { cloneUrl: "https://dev.azure.com/org/p/_git/r", branch: "dev" }],
  ["https://codeberg.org/o/r/src/branch/dev", { cloneUrl: "https://codeberg.org/o/r.git", branch: "dev" }],
  ["http://git.example:3000/o/r.git", { cloneUrl: "http://git.example:3000/o/r.git", host: "git.example:3000" }],
  ["ssh://git@git.example/o/r.git", { cloneUrl: "ssh://git@git.example/o/r.git", owner: "o", repo: "r" }],
])("reads the context URL %s", async (contextUrl, git) => {
  const parsed = await client.runners.parseContextURL({ contextUrl, runnerId });
  expect(parsed.originalContextUrl).toBe(contextUrl);
  expect(parsed.git).toMatchObject(git);
});

test("reads the addresses of issues and pull requests", async () => {
  expect(await client.runners.parseContextURL({ contextUrl: "https://github.com/o/r/issues/7" })).toMatchObject({ issue: { id: "7" } });
  const pull = await client.runners.parseContextURL({ contextUrl: "https://gitlab.com/o/r/-/merge_requests/3" });
  expect(pull).toMatchObject({ git: { cloneUrl: "https://gitlab.com/o/r.git" }, pr: { id: "3" } });
});

test("refuses context URLs that are none, and runners that are not here", async () => {
  for (const contextUrl of ["ext::sh", "file:///etc/passwd", "", "https://user:secret@github.com/o/r"])
    await expect(client.runners.parseContextURL({ contextUrl })).rejects.toMatchObject({ status: 400 });
  await expect(client.runners.parseContextURL({ contextUrl: "https://github.com/o/r", runnerId: unknownId })).rejects.toMatchObject({
    status: 404,
  });
});

test("lists editors and opens an environment in each", async () => {
  const { editors } = await client.editors.list({});
  expect(editors.map((e) => e.alias)).toEqual(["vscode", "vscode-insiders", "cursor", "windsurf", "zed", "jetbrains"]);
  const environmentId = await served.make({ name: "with editor" });
  const resolve = async (editorId: string): Promise<string> =>
    (await client.editors.resolveURL({ editorId, environmentId, organizationId })).url;
  await expect(resolve(editors[0]?.id ?? "")).rejects.toMatchObject({ status: 400 });
  await served.observe(environmentId, { devcontainer: { remoteWorkspaceFolder: "/workspaces/a b" } });
  const urls = Object.fromEntries(await Promise.all(editors.map(async (e) => [e.alias, await resolve(e.id)] as const)));
  expect(urls).toEqual({
    vscode: "vscode://vscode-remote/ssh-remote+with-editor.berth/workspaces/a%20b?windowId=_blank",
    "vscode-insiders": "vscode-insiders://vscode-remote/ssh-remote+with-editor.berth/workspaces/a%20b?windowId=_blank",
    cursor: "cursor://vscode-remote/ssh-remote+with-editor.berth/workspaces/a%20b?windowId=_blank",
    windsurf: "windsurf://vscode-remote/ssh-remote+with-editor.berth/workspaces/a%20b?windowId=_blank",
    zed: "zed://ssh/with-editor.berth/workspaces/a%20b",
    jetbrains: "jetbrains-gateway://connect#type=ssh&deploy=true&host=with-editor.berth&port=22&user=berth&projectPath=/workspaces/a%20b",
  });
  expect((await client.editors.retrieve({ id: editors[2]?.id ?? "" })).editor.name).toBe("Cursor");
  await expect(client.editors.retrieve({ id: unknownId })).rejects.toMatchObject({ status: 404 });
  await expect(resolve(unknownId)).rejects.toMatchObject({ status: 404 });
  await expect(
    client.editors.resolveURL({ editorId: editors[0]?.id ?? "", environmentId: unknownId, organizationId }),
  ).rejects.toMatchObject({ status: 404 });
});

const tokens = (): Gitpod["runners"]["configurations"]["hostAuthenticationTokens"] =>
  client.runners.configurations.hostAuthenticationTokens;

test("keeps tokens of hosts: never shown, used by their owner until they end", async () => {
  const created = await tokens().create({
    runnerId,
    host: "Git.Example",
    token: "token-secret",
    source: "HOST_AUTHENTICATION_TOKEN_SOURCE_PAT",
    scopes: ["repo"],
    expiresAt: new Date(served.nowMs + 60_000).toISOString(),
  } as Gitpod.Runners.Configurations.HostAuthenticationTokenCreateParams);
  const { id } = created.token;
  expect(created.token).toMatchObject({ runnerId, host: "git.example", scopes: ["repo"], subject: { id: userId } });
  expect(JSON.stringify([created, await tokens().retrieve({ id }), (await tokens().list({})).tokens])).not.toContain("token-secret");
  const use = async (principal: string): Promise<string | undefined> =>
    (await served.plane.environmentStore.openHostCredential(principal, "git.example"))?.password;
  expect(await use(userId)).toBe("token-secret");
  expect(await use(unknownId)).toBeUndefined();
  await tokens().update({ id, token: "second-secret" });
  expect(await use(userId)).toBe("second-secret");
  served.nowMs += 60_000;
  expect(await use(userId)).toBeUndefined();
  expect((await tokens().list({ filter: { runnerId } } as object)).tokens).toHaveLength(1);
  expect((await tokens().list({ filter: { subjectId: unknownId } } as object)).tokens).toHaveLength(0);
  await tokens().delete({ id });
  for (const call of [tokens().retrieve({ id }), tokens().delete({ id }), tokens().update({ id, token: "x" })])
    await expect(call).rejects.toMatchObject({ status: 404, error: { message: expect.stringContaining("host authentication token") } });
});

test("refuses tokens for other runners and what it would not keep", async () => {
  const base = { host: "h", token: "t", source: "HOST_AUTHENTICATION_TOKEN_SOURCE_PAT" } as const;
  await expect(tokens().create({ ...base, runnerId: unknownId })).rejects.toMatchObject({ status: 404 });
  await expect(tokens().create({ ...base, runnerId, refreshToken: "r" })).rejects.toMatchObject({ status: 501 });
  await expect(tokens().create({ ...base, runnerId, token: "" })).rejects.toMatchObject({ status: 400 });
});

beforeEach(async () => {
  for (const secret of (await client.secrets.list({})).secrets) await client.secrets.delete({ secretId: secret.id ?? "" });
});

test("a secret's value goes to environments and comes back to nobody", async () => {
  const { secret } = await client.secrets.create({ name: "API_KEY", value: "value-secret", environmentVariable: true });
  expect(secret).toMatchObject({ name: "API_KEY", environmentVariable: true, scope: { userId }, creator: { id: userId } });
  const secretId = secret?.id ?? "";
  expect(JSON.stringify([secret, (await client.secrets.list({})).secrets])).not.toContain("value-secret");
  await expect(client.secrets.getValue({ secretId })).rejects.toMatchObject({ status: 403 });
  const environmentId = await served.make();
  expect(await served.plane.environmentStore.openSecrets(environmentId)).toEqual([
    { name: "API_KEY", value: "value-secret", mount: { kind: "environmentVariable", name: "API_KEY" } },
  ]);
  expect(JSON.stringify(await served.get(environmentId))).not.toContain("value-secret");
  served.nowMs += 1000;
  await client.secrets.updateValue({ secretId, value: "second-secret" });
  expect((await served.plane.environmentStore.openSecrets(environmentId))[0]?.value).toBe("second-secret");
  const [listed] = (await client.secrets.list({})).secrets;
  expect(Date.parse(listed?.updatedAt ?? "")).toBe(served.nowMs);
  for (const file of served.storeFiles) expect(readFileSync(file).includes("second-secret")).toBe(false);
  await client.secrets.delete({ secretId });
  expect(await served.plane.environmentStore.openSecrets(environmentId)).toEqual([]);
  await expect(client.secrets.delete({ secretId })).rejects.toMatchObject({ status: 404 });
  await expect(client.secrets.updateValue({ secretId, value: "x" })).rejects.toMatchObject({ status: 404 });
  await expect(client.secrets.getValue({ secretId })).rejects.toMatchObject({ status: 404 });
});

test("secrets are variables, files and registry credentials, and a person's own goes before the organization's", async () => {
  const auth = Buffer.from("user:password").toString("base64");
  const make = async (fields: object): Promise<void> => void (await client.secrets.create(fields as Gitpod.SecretCreateParams));
  await make({ name: "SHARED", value: "organization's", environmentVariable: true, scope: { organizationId } });
  await make({ name: "SHARED", value: "mine", environmentVariable: true });
  await make({ name: "ONLY_ORG", value: "o", environmentVariable: true, scope: { organizationId } });
  await make({ name: "key_file", value: "text\n", filePath: "/home/vscode/.config/key" });
  await make({ name: "registry", value: auth, containerRegistryBasicAuthHost: "registry.example" });
  await make({ name: "api", value: "a", apiOnly: true });
  const opened = await served.plane.environmentStore.openSecrets(await served.make());
  expect(opened.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
    { name: "ONLY_ORG", value: "o", mount: { kind: "environmentVariable", name: "ONLY_ORG" } },
    { name: "SHARED", value: "mine", mount: { kind: "environmentVariable", name: "SHARED" } },
    { name: "api", value: "a", mount: { kind: "apiOnly" } },
    { name: "key_file", value: "text\n", mount: { kind: "file", path: "/home/vscode/.config/key" } },
    { name: "registry", value: auth, mount: { kind: "registryCredential", host: "registry.example" } },
  ]);
  const names = async (scope: object): Promise<(string | undefined)[]> =>
    (await client.secrets.list({ filter: { scope } } as Gitpod.SecretListParams)).secrets.map((s) => s.name);
  expect(await names({ organizationId })).toEqual(expect.arrayContaining(["SHARED", "ONLY_ORG"]));
  expect(await names({ organizationId })).toHaveLength(2);
  expect(await names({ userId })).toHaveLength(4);
  expect(await names({ projectId: unknownId })).toEqual([]);
});

test.each<[string, number, object]>([
  ["no mount", 400, {}],
  ["a mount that is off", 400, { environmentVariable: false }],
  ["a name with a dash", 400, { name: "A-B", environmentVariable: true }],
  ["a name that no variable can have", 400, { name: "1AB", environmentVariable: true }],
  ["a relative file", 400, { filePath: "etc/x" }],
  ["a way up", 400, { filePath: "/home/../etc/shadow" }],
  ["a path that docker would split", 400, { filePath: "/a,readonly" }],
  ["a path that is too long", 400, { filePath: `/${"a".repeat(1024)}` }],
  ["a registry credential that is none", 400, { containerRegistryBasicAuthHost: "r.example", value: "plain" }],
  ["a value that is too long", 400, { environmentVariable: true, value: "x".repeat(10_241) }],
  ["a value with a zero byte", 400, { environmentVariable: true, value: "a\0b" }],
  ["another person's scope", 404, { environmentVariable: true, scope: { userId: unknownId } }],
  ["another organization's scope", 404, { environmentVariable: true, scope: { organizationId: unknownId } }],
  ["a project nobody has", 404, { environmentVariable: true, scope: { projectId: unknownId } }],
  ["a project nobody has, the old way", 404, { environmentVariable: true, projectId: unknownId }],
  ["a service account nobody has", 404, { environmentVariable: true, scope: { serviceAccountId: unknownId } }],
  ["a credential proxy", 501, { environmentVariable: true, credentialProxy: { targetHosts: ["h"], header: "X" } }],
  ["a source elsewhere", 501, { environmentVariable: true, source: { oidcJfrog: { host: "h", providerName: "p" } } }],
])("refuses a secret with %s", async (_what, status, fields) => {
  await expect(client.secrets.create({ name: "NAME", value: "v", ...fields })).rejects.toMatchObject({ status });
  expect((await client.secrets.list({})).secrets).toEqual([]);
});

test("a secret of the same name, kind and scope exists once", async () => {
  const fields = { name: "TWICE", value: "v", environmentVariable: true };
  await client.secrets.create(fields);
  await expect(client.secrets.create(fields)).rejects.toMatchObject({ status: 409 });
});
