import { create, toJsonString } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { type Browser, expect } from "@playwright/test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, test } from "vitest";
import { ListRemoteEnvironmentsResponseSchema } from "../../../src/contract/gen/berth/v1/context_pb.js";
import { EnvironmentPhase } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { berthPaths } from "../../../src/lib/paths.ts";
import { PlaneWithEnvironments } from "../../integration/contexts/plane-with-environments.ts";
import { AuthorizingPlane } from "../../support/sign-in/authorizing-plane.ts";
import { SimulatedHost } from "../../support/simulated-host.ts";
import { BrowserWindow, launchBrowser } from "./browser-window.ts";

let browser: Browser;
let host: SimulatedHost;

beforeAll(async () => void (browser = await launchBrowser()));
afterAll(async () => browser.close());
beforeEach(async () => {
  host = new SimulatedHost();
  await host.start();
});
afterEach(async () => host.end());

/** Adds a plane in the settings, which leads to the dialog that signs in. */
async function addPlane(window: BrowserWindow, url: string): Promise<void> {
  await window.go("/settings");
  const { page } = window;
  const section = page.getByRole("region", { name: "Planes" });
  await expect(section).toContainText("Everything on this computer works without one");
  await section.getByRole("button", { name: "Add a plane" }).click();
  await page.getByLabel("Address").fill(url);
  await page.getByRole("textbox", { name: "Name" }).last().fill("work");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Sign in to work" })).toBeVisible();
}

test("a plane's environments stand beside this computer's, also while the plane is away, and go with the sign-in", async () => {
  const plane = new PlaneWithEnvironments();
  await plane.start();
  await plane.add("far-away", "further-away");
  await host.whenPhase(await host.create("app"), EnvironmentPhase.RUNNING);
  const window = await BrowserWindow.open(browser, host);
  const { page } = window;
  await addPlane(window, plane.url);
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("combobox", { name: "How" }).click();
  await page.getByRole("option", { name: "With a token" }).click();
  await dialog.getByLabel("Personal access token", { exact: true }).fill(plane.admin.token);
  await window.check("planes-sign-in");
  await dialog.getByRole("button", { name: "Sign in", exact: true }).click();
  const section = page.getByRole("region", { name: "Planes" });
  await expect(section).toContainText("Signed in");
  await expect(section).toContainText("Ada, Example");
  await window.check("planes");

  await window.go("/");
  const group = page.getByRole("region", { name: "Environments at work" });
  await expect(group.getByRole("listitem")).toHaveCount(2);
  await expect(group.getByRole("listitem").first()).toContainText(/far-away.*Running.*main.*2 changed files/);
  await expect(page.getByRole("grid").getByText("app", { exact: true })).toBeVisible();
  await page.getByRole("searchbox").fill("further");
  await expect(group.getByRole("listitem")).toHaveCount(1);
  await page.getByRole("searchbox").fill("");
  await window.check("environments-remote");

  await plane.kill();
  await expect(group).toContainText("The plane does not answer. This is what it said", { timeout: 30_000 });
  await expect(group.getByRole("listitem")).toHaveCount(2);
  await window.check("environments-offline");
  await plane.add("new-meanwhile");
  await plane.startAgain();
  await expect(group.getByRole("listitem")).toHaveCount(3, { timeout: 40_000 });
  await group.getByRole("button", { name: "work" }).press("Enter");
  await expect(group.getByRole("listitem")).toHaveCount(0);

  await window.go("/settings");
  await section.getByRole("button", { name: "Sign out: work" }).click();
  await expect(page.getByText("The personal access token is valid until")).toBeVisible();
  await expect(section).toContainText("Signed out");
  await section.getByRole("button", { name: "Remove: work" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(section).toContainText("No planes");
  await window.go("/");
  await expect(group).toHaveCount(0);
  await window.close();
  await plane.end();
});

/** As if two environments of a plane had been listed, which is away since. */
async function knowTwo(): Promise<void> {
  const planeUrl = "http://127.0.0.1:1/";
  const { context } = await host.contexts.addContext({ planeUrl, name: "work" });
  const folder = join(berthPaths(host.env).contexts, context?.contextId ?? "");
  const person = { organizationId: "org-1", accountId: "ada" };
  const tokens = { refreshToken: "", accessToken: "berth_pat_none", accessTokenExpiresAtMs: Number.MAX_SAFE_INTEGER };
  writeFileSync(join(folder, "sign-in.json"), JSON.stringify({ version: 1, planeUrl, name: "Ada", ...person, ...tokens }), { mode: 0o600 });
  const environments = ["far-away", "further-away"].map((name) => ({ environmentId: name, name }));
  const known = create(ListRemoteEnvironmentsResponseSchema, { context: person, environments, knownAt: timestampNow() });
  writeFileSync(join(folder, "environments.json"), toJsonString(ListRemoteEnvironmentsResponseSchema, known));
}

test("why a plane's list could not be had is shown together with the last one", async () => {
  await knowTwo();
  const window = await BrowserWindow.open(browser, host);
  const { page } = window;
  await window.go("/");
  const group = page.getByRole("region", { name: "Environments at work" });
  await expect(group.getByRole("listitem")).toHaveCount(2, { timeout: 30_000 });
  const lists = "**/berth.v1.ContextService/ListRemoteEnvironments*";
  await page.route(lists, (route) => route.fulfill({ status: 500, json: { code: "internal", message: "no list today" } }));
  await expect(group.getByRole("alert")).toContainText("no list today", { timeout: 30_000 });
  await expect(group.getByRole("listitem")).toHaveCount(2, { timeout: 30_000 });
  await window.check("environments-remote-failed");
  await page.unroute(lists);
  await expect(group.getByRole("alert")).toHaveCount(0, { timeout: 30_000 });
  await window.close();
});

test("signing in with the browser shows the address, ends on Cancel, and shows a code where the plane allows it", async () => {
  const plane = new AuthorizingPlane();
  await plane.start({ deviceFlow: true });
  const window = await BrowserWindow.open(browser, host, { locale: "de-DE" });
  const { page } = window;
  const { context } = await host.contexts.addContext({ planeUrl: plane.origin, name: "work" });
  await window.go("/settings");
  const section = page.getByRole("region", { name: "Verwaltungen" });
  const dialog = page.getByRole("dialog", { name: "An work anmelden" });
  const begin = async (): Promise<string> => {
    await section.getByRole("button", { name: "Anmelden: work" }).click();
    await dialog.getByRole("button", { name: "Anmelden", exact: true }).click();
    return (await dialog.getByRole("link", { name: "Seite öffnen" }).getAttribute("href")) ?? "";
  };
  const ended = await begin();
  await window.check("planes-browser");
  await dialog.getByRole("button", { name: "Abbrechen" }).click();
  const door = new URL(ended).searchParams.get("redirect_uri") ?? "";
  await expect
    .poll(async () =>
      fetch(door).then(
        () => "open",
        () => "closed",
      ),
    )
    .toBe("closed");

  await section.getByRole("button", { name: "Anmelden: work" }).click();
  await dialog.getByRole("combobox", { name: "Wie" }).click();
  await page.getByRole("option", { name: "Mit einem Code" }).click();
  await dialog.getByRole("button", { name: "Anmelden", exact: true }).click();
  await expect(dialog.getByRole("status")).toContainText(/[A-Z]{4}-[A-Z]{4}/);
  await page.keyboard.press("Escape");

  void plane.allow(await plane.signedInBrowser(), await begin());
  await expect(section).toContainText("Ada <b>");
  await expect(dialog).toHaveCount(0);
  await section.getByRole("button", { name: "Abmelden: work" }).click();
  await expect(section).toContainText("Abgemeldet");
  await host.contexts.removeContext({ contextId: context?.contextId ?? "" });
  await window.close();
  await plane.end();
});
