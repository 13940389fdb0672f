import { type Browser, expect, type Locator } from "@playwright/test";
import { afterAll, beforeAll, test } from "vitest";
import { EnvironmentPhase } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { PlaneWithRunner } from "../../integration/contexts/plane-with-runner.ts";
import { SimulatedHost } from "../../support/simulated-host.ts";
import { BrowserWindow, launchBrowser } from "./browser-window.ts";

/** A plane and its runner find each other again in it, on a computer that does other work beside. */
const slow = { timeout: 60_000 };
const testLimitMs = 300_000;

let browser: Browser;
let host: SimulatedHost;
let plane: PlaneWithRunner;

beforeAll(async () => {
  browser = await launchBrowser();
  plane = new PlaneWithRunner();
  await plane.start();
  host = new SimulatedHost(plane.env);
  await host.start();
  const { context } = await host.contexts.addContext({ planeUrl: plane.url, name: "work" });
  const method = { case: "personalAccessToken" as const, value: plane.admin.token };
  for await (const _step of host.contexts.signIn({ contextId: context?.contextId ?? "", method }));
}, testLimitMs);
afterAll(async () => {
  await host.end();
  await plane.end();
  await browser.close();
});

/** Opens an environment's menu and chooses in it by keys alone. */
async function choose(group: Locator, name: string, action: string): Promise<void> {
  await group.getByRole("button", { name: `More for ${name}` }).press("Enter");
  await group.page().getByRole("menuitem", { name: action, exact: true }).press("Enter");
}

test(
  "environments of a plane are made, stopped, started and deleted here, also while the plane is away",
  { timeout: testLimitMs },
  async () => {
    const window = await BrowserWindow.open(browser, host);
    const { page } = window;
    const group = page.getByRole("region", { name: "Environments at work" });
    const row = group.getByRole("listitem").filter({ hasText: "simulated.test/web" });

    await window.go("/new");
    await page.getByRole("textbox", { name: "Repository or folder" }).fill("https://simulated.test/web.git");
    await page.getByRole("radio", { name: "This computer" }).focus();
    await page.keyboard.press("ArrowDown");
    await expect(page.getByRole("radio", { name: "work" })).toBeChecked();
    await page.getByRole("combobox", { name: "Class" }).click();
    await page.getByRole("option", { name: /^Large/ }).click();
    await window.check("new-environment-at-plane");
    await page.getByRole("button", { name: "Create", exact: true }).click();
    await expect(row).toContainText("Running", slow);
    await window.check("remote-running");

    await group.getByRole("button", { name: "web", exact: true }).press("Enter");
    const dialog = page.getByRole("dialog", { name: "web" });
    await expect(dialog).toContainText(/Class\s*Large/);
    await expect(dialog).toContainText(/Runner\s*Rack 3/);
    await window.check("remote-details");
    await page.keyboard.press("Escape");

    // What a name that is taken leads to is said in the form.
    await host.contexts.createRemoteEnvironment({ ...(await wish()), name: "other" });
    await choose(group, "web", "Rename");
    await page.getByRole("dialog").getByRole("textbox", { name: "Name" }).fill("other");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("dialog").getByRole("alert")).toContainText("The name is taken");
    await page.keyboard.press("Escape");

    await choose(group, "web", "Stop");
    await expect(row.first()).toContainText("Stopped", slow);
    await plane.kill();
    await group.getByRole("button", { name: "Start: web" }).press("Enter");
    await expect(row.first()).toContainText("Starts when the plane is back", slow);
    await window.check("remote-waiting");
    await expect(group.getByRole("button", { name: "Start: web" })).toHaveCount(0);
    await row.first().getByRole("button", { name: "Take back" }).press("Enter");
    await expect(row.first()).not.toContainText("Starts when");
    await choose(group, "web", "Delete");
    const question = page.getByRole("dialog", { name: "Delete web?" });
    await expect(question).toContainText("The plane cannot be asked just now", slow);
    await window.check("remote-delete");
    await question.getByRole("button", { name: "Delete" }).click();
    await expect(row.first()).toContainText("Is deleted when the plane is back", slow);
    await choose(group, "other", "Stop");
    await expect(group).toContainText("Stops when the plane is back", slow);

    await plane.changeWhileAway("web", () => undefined);
    await plane.changeWhileAway("other", ({ metadata }) => void (metadata === undefined || (metadata.name = "another")));
    await plane.startAgain();
    await expect(group).toContainText("web was not deleted", slow);
    await expect(group).toContainText("Stop: other — it was changed elsewhere");
    await window.check("remote-conflicts");
    await group.getByRole("button", { name: "I have read it" }).press("Enter");
    await expect(group).not.toContainText("Changes that were not carried out");
    await group.getByRole("button", { name: "Delete it after all" }).press("Enter");
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await expect(group).not.toContainText("web was not deleted");
    await expect.poll(async () => plane.phases(), slow).toEqual({ another: EnvironmentPhase.RUNNING });
    await window.close();
  },
);

test("signing out asks about changes that wait, in German too", { timeout: testLimitMs }, async () => {
  const window = await BrowserWindow.open(browser, host, { locale: "de-DE" });
  const { page } = window;
  const group = page.getByRole("region", { name: "Umgebungen bei work" });
  await expect(group).toContainText("another", slow);
  await plane.kill();
  await group.getByRole("button", { name: "Mehr zu another" }).press("Enter");
  await page.getByRole("menuitem", { name: "Anhalten" }).press("Enter");
  await expect(group).toContainText("Hält an, wenn die Verwaltung wieder da ist", slow);
  await window.go("/settings");
  await page.getByRole("button", { name: "Abmelden: work" }).press("Enter");
  const dialog = page.getByRole("dialog", { name: "Von work abmelden?" });
  await expect(dialog).toContainText("Sie gingen verloren");
  await window.check("planes-sign-out-waiting");
  await dialog.getByRole("button", { name: "Trotzdem abmelden" }).click();
  await expect(page.getByRole("region", { name: "Verwaltungen" })).toContainText("Abgemeldet");
  await window.close();
});

async function wish() {
  const [{ contextId } = { contextId: "" }] = (await host.contexts.listContexts({})).contexts;
  return { contextId, creationId: crypto.randomUUID(), url: "https://simulated.test/api.git" };
}
