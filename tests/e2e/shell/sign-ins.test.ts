import { type Client, createClient } from "@connectrpc/connect";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { Context_State, ContextService } from "../../../src/contract/gen/berth/v1/context_pb.js";
import { HostSessions, hostTransport } from "../../../src/lib/host-transport.ts";
import { berthPaths } from "../../../src/lib/paths.ts";
import { DesktopHome } from "./desktop-app.ts";

const contextId = "0199d3a4-5b1c-7a60-8a53-0c1de4f1a001";
const canary = "canary-8c41";

let home: DesktopHome;
afterEach(async () => home.end());

/** A sign-in as a host without the app has kept it, to a plane that is never there. */
function keepInTheClear(): string {
  const folder = join(berthPaths(home.env).contexts, contextId);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const record = { id: contextId, name: "work", planeUrl: "http://127.0.0.1:1/", addedAtMs: 0 };
  writeFileSync(join(folder, "../contexts.json"), JSON.stringify({ version: 1, contexts: [record] }));
  const signIn = {
    ...{ version: 1, planeUrl: "http://127.0.0.1:1/", organizationId: "org-1", accountId: "ada", name: "Ada" },
    ...{ refreshToken: "", accessToken: canary, accessTokenExpiresAtMs: Number.MAX_SAFE_INTEGER },
  };
  writeFileSync(join(folder, "sign-in.json"), JSON.stringify(signIn), { mode: 0o600 });
  return folder;
}

function contexts(): Client<typeof ContextService> {
  return createClient(ContextService, hostTransport(new HostSessions(berthPaths(home.env).apiSocket)));
}

function filesWithCanary(): string[] {
  const files = readdirSync(home.folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  return files.map(({ parentPath, name }) => join(parentPath, name)).filter((path) => readFileSync(path).includes(canary));
}

test("a sign-in is sealed by the system's keychain, also one that was kept in the clear, and outlives the app", async () => {
  home = new DesktopHome();
  home.env["STANDIN_KEYCHAIN"] = join(home.folder, "keychain.key");
  const folder = keepInTheClear();
  expect(filesWithCanary()).toHaveLength(1);
  for (let start = 0; start < 2; start++) {
    const app = await home.launch();
    await app.hostPid();
    const [context] = (await contexts().listContexts({})).contexts;
    expect(context).toMatchObject({ state: Context_State.SIGNED_IN, accountName: "Ada", sessionOnlyBecause: "" });
    expect(readdirSync(folder)).toContain("sign-in.sealed");
    expect(filesWithCanary()).toEqual([]);
    await app.click("application", "File", "Quit Berth");
    expect(await app.runner.exited).toBe(0);
  }
});

test("without a keychain that keeps secrets a sign-in ends with the app, which says so", async () => {
  home = new DesktopHome();
  keepInTheClear();
  const app = await home.launch();
  await app.hostPid();
  const [context] = (await contexts().listContexts({})).contexts;
  expect(context).toMatchObject({ state: Context_State.SIGNED_IN, sessionOnlyBecause: expect.stringContaining("basic_text") });
  expect(filesWithCanary()).toEqual([]);
});
