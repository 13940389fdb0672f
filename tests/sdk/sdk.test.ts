import { create } from "@bufbuild/protobuf";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import Gitpod from "@gitpod/sdk";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseContextUrl } from "../../src/contract/context-url.ts";
import { EnvironmentPhase, EnvironmentStatusSchema } from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { ParseContextURLResponseSchema } from "../../src/contract/gen/gitpod/v1/runner_pb.js";
import { createPlane, type Plane } from "../../src/plane/create-plane.ts";

let folder: string;
let plane: Plane;
let server: Server;
let client: Gitpod;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "berth-sdk-"));
  plane = await createPlane({
    databasePath: join(folder, "berth.db"),
    keyPath: join(folder, "key"),
    now: () => Date.now(),
    version: "test",
    engineCalls: {
      parseContextUrl: async ({ contextUrl }) => {
        const parsed = parseContextUrl(contextUrl);
        return create(ParseContextURLResponseSchema, {
          originalContextUrl: contextUrl,
          git: { cloneUrl: parsed.cloneUrl, branch: parsed.branch, host: parsed.host, owner: parsed.owner, repo: parsed.repository },
        });
      },
      validateSpec: async () => undefined,
    },
  });
  const handler = connectNodeAdapter({ routes: plane.routes, interceptors: plane.interceptors });
  server = createServer((request, response) => void (plane.serveJsonl(request, response) || handler(request, response)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  client = new Gitpod({
    bearerToken: "local",
    baseURL: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    maxRetries: 0,
  });
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  plane.close();
  rmSync(folder, { recursive: true });
});

async function make(name: string): Promise<string> {
  const { environment } = await client.environments.create({
    name,
    spec: { content: { initializer: { specs: [{ contextUrl: { url: "https://github.com/o/r" } }] } } },
  } as never);
  return environment.id;
}

test("creates, gets, updates, starts, stops and deletes", async () => {
  const id = await make("first");
  expect((await client.environments.retrieve({ environmentId: id })).environment.metadata?.name).toBe("first");
  await client.environments.stop({ environmentId: id });
  expect((await client.environments.retrieve({ environmentId: id })).environment.spec?.desiredPhase).toBe("ENVIRONMENT_PHASE_STOPPED");
  await client.environments.start({ environmentId: id });
  await client.environments.update({ environmentId: id, metadata: { name: "renamed" } } as never);
  const after = (await client.environments.retrieve({ environmentId: id })).environment;
  expect(after.spec?.desiredPhase).toBe("ENVIRONMENT_PHASE_RUNNING");
  expect(after.metadata?.name).toBe("renamed");
  await client.environments.delete({ environmentId: id });
  await plane.environmentStore.remove(id);
  await expect(client.environments.retrieve({ environmentId: id })).rejects.toMatchObject({ status: 404 });
});

test("lists by page and by filter", async () => {
  const ids = [];
  for (let n = 0; n < 7; n++) ids.push(await make(`page-${n}`));
  const seen: string[] = [];
  for await (const environment of client.environments.list({ pageSize: 3 } as never)) seen.push(environment.id);
  expect(seen).toEqual(expect.arrayContaining(ids));
  expect(new Set(seen).size).toBe(seen.length);
  await plane.environmentStore.writeStatus(ids[0] ?? "", create(EnvironmentStatusSchema, { phase: EnvironmentPhase.RUNNING }));
  const running = await client.environments.list({ filter: { statusPhases: ["ENVIRONMENT_PHASE_RUNNING"] } });
  expect(running.environments.map((e) => e.id)).toEqual([ids[0]]);
  const none = await client.environments.list({ filter: { runnerIds: ["018f0000-0000-7000-8000-00000000ffff"] } });
  expect(none.environments).toEqual([]);
});

test("watches events as JSON lines", async () => {
  const stream = await client.events.watch({ organization: true });
  const id = await make("watched");
  for await (const event of stream) {
    expect(event).toMatchObject({ resourceId: id, resourceType: "RESOURCE_TYPE_ENVIRONMENT", operation: "RESOURCE_OPERATION_CREATE" });
    break;
  }
  stream.controller.abort();
});

test("parses context URLs, lists editors and resolves their links", async () => {
  const parsed = await client.runners.parseContextURL({ contextUrl: "https://github.com/o/r/tree/dev" });
  expect(parsed.git).toMatchObject({ cloneUrl: "https://github.com/o/r.git", branch: "dev", owner: "o", repo: "r" });
  const editors = await client.editors.list({});
  expect(editors.editors.map((e) => e.alias)).toEqual(["vscode", "vscode-insiders", "cursor", "windsurf", "zed", "jetbrains"]);
  const id = await make("with editor");
  await plane.environmentStore.writeStatus(
    id,
    create(EnvironmentStatusSchema, { devcontainer: { remoteWorkspaceFolder: "/workspaces/r" } }),
  );
  const { url } = await client.editors.resolveURL({
    editorId: editors.editors[0]?.id ?? "",
    environmentId: id,
    organizationId: "018f0000-0000-7000-8000-000000000000",
  });
  expect(url).toBe("vscode://vscode-remote/ssh-remote+with-editor.berth/workspaces/r?windowId=_blank");
});

test("errors have the right status and words", async () => {
  await make("taken");
  await expect(make("Taken")).rejects.toMatchObject({ status: 409 });
  await expect(client.environments.retrieve({ environmentId: "not-a-uuid" })).rejects.toMatchObject({ status: 400 });
  await expect(client.runners.parseContextURL({ contextUrl: "ext::sh" })).rejects.toMatchObject({ status: 400 });
  await expect(client.projects.list({})).rejects.toMatchObject({ status: 501 });
});
