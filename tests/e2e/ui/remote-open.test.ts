import { type Browser, expect, type Locator, type Page } from "@playwright/test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { EnvironmentPhase, EnvironmentService } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { OrganizationService } from "../../../src/contract/gen/gitpod/v1/organization_pb.js";
import { berthPaths } from "../../../src/lib/paths.ts";
import { PlaneWithRunner } from "../../integration/contexts/plane-with-runner.ts";
import { SimulatedHost } from "../../support/simulated-host.ts";
import { BrowserWindow, launchBrowser } from "./browser-window.ts";

/** A plane and its runner find each other again in it, on a computer that does other work beside. */
const slow = { timeout: 60_000 };
const testLimitMs = 300_000;

let browser: Browser;
let host: SimulatedHost;
let plane: PlaneWithRunner;
let contextId: string;

beforeAll(async () => {
  browser = await launchBrowser();
  plane = new PlaneWithRunner();
  await plane.start();
  host = new SimulatedHost(plane.env);
  await host.start();
  const { context } = await host.contexts.addContext({ planeUrl: plane.url, name: "work" });
  contextId = context?.contextId ?? "";
  const method = { case: "personalAccessToken" as const, value: plane.admin.token };
  for await (const _step of host.contexts.signIn({ contextId, method }));
  const url = "https://simulated.test/web.git";
  await expect(async () => host.contexts.createRemoteEnvironment({ contextId, creationId: crypto.randomUUID(), url })).toPass(slow);
  await expect.poll(async () => plane.phases(), slow).toEqual({ web: EnvironmentPhase.RUNNING });
}, testLimitMs);
afterAll(async () => {
  await host.end();
  await plane.end();
  await browser.close();
});

/** The addresses that the page leaves for: no editor is there to open them. */
async function watchLinks(page: Page): Promise<() => Promise<readonly string[]>> {
  await page.evaluate(() => {
    window.navigation.addEventListener("navigate", (event) => {
      event.preventDefault();
      document.body.dataset["links"] = `${document.body.dataset["links"] ?? ""}${event.destination.url}\n`;
    });
  });
  return async () => page.evaluate(() => (document.body.dataset["links"] ?? "").split("\n").filter((link) => link !== ""));
}

/** Opens an environment's menu and chooses in it by keys alone. */
async function choose(group: Locator, more: string, action: string): Promise<void> {
  await group.getByRole("button", { name: more }).press("Enter");
  await group.page().getByRole("menuitem", { name: action, exact: true }).press("Enter");
}

test("an environment of a plane is opened in the person's editor, once ssh leads there", { timeout: testLimitMs }, async () => {
  const window = await BrowserWindow.open(browser, host);
  const { page } = window;
  await window.go("/");
  const links = await watchLinks(page);
  const group = page.getByRole("region", { name: "Environments at work" });
  const open = group.getByRole("button", { name: "Open in VS Code: web" });
  const failure = group.getByRole("alert");

  await open.press("Enter");
  await expect(failure).toContainText("There is no way into this environment", slow);
  await failure.getByRole("button", { name: "Close" }).press("Enter");
  await expect(open).toBeFocused();
  expect(await links()).toEqual([]);

  await plane.kill();
  await plane.startAgain({ isGateway: true });
  await expect(async () => {
    await open.press("Enter");
    await expect.poll(links, { timeout: 10_000 }).toEqual([expect.stringMatching(editorLink)]);
  }).toPass(slow);
  await expect(failure).toHaveCount(0);
  const { id, spec } = await plane.environment("web");
  expect(readFileSync(sshFile("keys", `${id}.pub`), "utf8").trim()).toBe(spec?.sshPublicKeys[0]?.value);
  expect(readFileSync(sshFile("known_hosts"), "utf8")).toContain(id);

  await choose(group, "More for web", "Zed");
  await expect.poll(async () => (await links()).at(-1), slow).toMatch(/^zed:\/\/ssh\/web\.work\.berth\/workspaces\//);
  await choose(group, "More for web", "Copy the ssh command");
  await expect.poll(async () => page.evaluate(async () => navigator.clipboard.readText()), slow).toBe("ssh web.work.berth");
  await window.close();
});

test("what keeps a person out is said where it happened, and waiting for it can be ended", { timeout: testLimitMs }, async () => {
  const window = await BrowserWindow.open(browser, host, { locale: "de-DE" });
  const { page } = window;
  await window.go("/");
  const links = await watchLinks(page);
  const group = page.getByRole("region", { name: "Umgebungen bei work" });
  const open = group.getByRole("button", { name: "In VS Code öffnen: web" });
  const failure = group.getByRole("alert");

  const kept = readFileSync(sshFile("known_hosts"), "utf8");
  writeFileSync(sshFile("known_hosts"), kept.replace(/ssh-ed25519 .*/, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEFub3RoZXI"));
  await open.press("Enter");
  await expect(failure).toContainText("einen anderen Host-Schlüssel", slow);
  await expect(failure).toContainText(sshFile("known_hosts"));
  await window.check("remote-open-host-key");
  writeFileSync(sshFile("known_hosts"), kept);

  const organizations = plane.client(OrganizationService);
  const { organizationId } = plane.admin;
  await organizations.updateOrganizationPolicies({ organizationId, allowedEditorIds: ["zed"] });
  await open.press("Enter");
  await expect(failure).toContainText("Eine Richtlinie deiner Organisation lässt das nicht zu", slow);
  await organizations.updateOrganizationPolicies({ organizationId, allowedEditorIds: ["vscode", "zed"] });

  // The call that takes seconds does not come back.
  const preparations = "**/berth.v1.RemoteAccessService/PrepareRemoteSsh";
  await page.route(preparations, () => undefined);
  await open.press("Enter");
  await expect(group.getByRole("status").filter({ hasText: "Verbindet, bevor VS Code geöffnet wird" })).toBeVisible(slow);
  await expect(failure).toHaveCount(0);
  await window.check("remote-opening");
  await group.getByRole("button", { name: "Abbrechen: web" }).press("Enter");
  await expect(open).toBeFocused();
  await expect(group.getByText("Verbindet, bevor")).toHaveCount(0);
  await page.unroute(preparations);

  await plane.endRunner();
  await open.press("Enter");
  await expect(failure).toContainText("Der Runner ist nicht erreichbar", slow);
  const { id: environmentId } = await plane.environment("web");
  await plane.client(EnvironmentService).stopEnvironment({ environmentId });
  await group.getByRole("button", { name: "Mehr zu web" }).press("Enter");
  await expect(page.getByRole("menuitem", { name: /^VS Code/ }).first()).toHaveAttribute("aria-disabled", "true", slow);
  await page.keyboard.press("Escape");
  await expect(open).toHaveCount(0);
  expect(await links()).toEqual([]);
  await window.close();
});

const editorLink = /^vscode:\/\/vscode-remote\/ssh-remote\+web\.work\.berth\/workspaces\/.*/;

function sshFile(...path: readonly string[]): string {
  return join(berthPaths(host.env).contexts, contextId, "ssh", ...path);
}
