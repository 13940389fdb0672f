import { type Browser, expect, type Page } from "@playwright/test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, test } from "vitest";
import { EnvironmentPhase } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { SimulatedHost } from "../../support/simulated-host.ts";
import { BrowserWindow, launchBrowser } from "./browser-window.ts";

let browser: Browser;
let host: SimulatedHost;
let window: BrowserWindow;
let page: Page;

beforeAll(async () => void (browser = await launchBrowser()));
afterAll(async () => browser.close());

beforeEach(async () => {
  host = new SimulatedHost({ BERTH_SIMULATE: "memory-32g" });
  await host.start();
  window = await BrowserWindow.open(browser, host);
  page = window.page;
  await expect(page.getByText("Connected")).toBeVisible();
  await window.go("/new");
});

afterEach(async () => {
  await window.close();
  await host.end();
});

const source = () => page.getByLabel("Repository or folder");
const create = () => page.getByRole("button", { name: "Create" });

test("what an address means is shown before anything happens", async () => {
  await source().fill("https://github.com/acme/app/pull/7");
  await expect(page.getByText("Pull request", { exact: true })).toBeVisible();
  await expect(page.getByText("app is cloned into the machine, at pull request 7.")).toBeVisible();
  await expect(page.getByText("The machine on this computer starts.")).toBeVisible();
  await page.getByText("More options").click();
  await window.check("new-environment");
  await source().fill("https://gitlab.com/group/sub/app/-/tree/feature/x");
  await expect(page.getByText("group/sub/app", { exact: true })).toBeVisible();
  await expect(page.getByText("feature/x", { exact: true })).toBeVisible();
  await source().fill("git@github.com:acme/app.git");
  await expect(page.getByText("acme/app", { exact: true })).toBeVisible();
});

test("what is no address is told once the person is done typing", async () => {
  await source().fill("not an address");
  await expect(page.getByRole("alert")).toHaveCount(0);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("alert")).toContainText("neither the address of a repository nor the path of a folder");
  await window.check("new-environment-invalid");
  await create().click({ force: true });
  await expect(page).toHaveURL(/\/new$/);
  await source().fill("~/project");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("alert")).toContainText("begins with /");
});

test("name and configuration are taken along, and it goes to the environment", async () => {
  await source().fill("https://simulated.test/several-configs.git");
  await page.getByText("More options").click();
  await page.getByLabel("Name", { exact: true }).fill("mine");
  await page.getByLabel("Dev container configuration").fill(".devcontainer/b/devcontainer.json");
  await create().click();
  await expect(page.getByRole("heading", { level: 1, name: "mine" })).toBeVisible();
  const [environment] = (await host.environments.listEnvironments({})).environments;
  await host.whenPhase(environment?.id ?? "", EnvironmentPhase.RUNNING);
  const { environment: ready } = await host.environments.getEnvironment({ environmentId: environment?.id ?? "" });
  expect(ready?.status?.devcontainer?.devcontainerFilePath).toBe(".devcontainer/b/devcontainer.json");
  expect(ready?.status?.failureMessage).toEqual([]);
});

test("of several dev containers one is offered, and it goes on from there", async () => {
  await source().fill("https://simulated.test/several-configs.git");
  await page.keyboard.press("Enter");
  await page.getByLabel(".devcontainer/b/devcontainer.json").check();
  await page.getByRole("button", { name: "Use it" }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  const [environment] = (await host.environments.listEnvironments({})).environments;
  await expect
    .poll(async () => {
      const { status } = (await host.environments.getEnvironment({ environmentId: environment?.id ?? "" })).environment ?? {};
      return [status?.devcontainer?.devcontainerFilePath, status?.failureMessage, status?.phase];
    })
    .toEqual([".devcontainer/b/devcontainer.json", [], EnvironmentPhase.RUNNING]);
});

test("a folder of this computer becomes one, and is offered again as recent", async () => {
  const folder = join(host.folder, "project");
  mkdirSync(folder);
  await source().fill(folder);
  await expect(page.getByText("with its uncommitted changes")).toBeVisible();
  await create().click();
  await expect(page.getByRole("heading", { level: 1, name: "project" })).toBeVisible();
  await window.go("/new");
  await page.getByRole("button", { name: folder }).click();
  await expect(page.getByText("There is an environment of this already: project.")).toBeVisible();
  await page.getByRole("link", { name: "Open it" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "project" })).toBeVisible();
});

test("what the host refuses is told with what to try, and nothing typed is lost", async () => {
  await host.create("app", "taken");
  await source().fill("https://simulated.test/app.git");
  await expect(page.getByText("There is an environment of this already: taken.")).toBeVisible();
  await page.getByText("More options").click();
  await page.getByLabel("Name", { exact: true }).fill("taken");
  await create().click();
  await expect(page.getByRole("alert")).toContainText("The name is taken");
  await expect(page.getByRole("alert")).toContainText("Choose another name.");
  await window.check("new-environment-refused");
  await page.getByLabel("Name", { exact: true }).fill("free");
  await create().click();
  await expect(page.getByRole("heading", { level: 1, name: "free" })).toBeVisible();
});

test("a sample is one click and one key", async () => {
  await page.getByRole("button", { name: "node-web" }).click();
  await create().click();
  await expect(page.getByRole("heading", { level: 1, name: "node-web" })).toBeVisible();
});

test("an environment gets a machine of its own by keys alone, after what that costs was said", async () => {
  await source().fill("https://simulated.test/web.git");
  const own = page.getByRole("radio", { name: "Own machine" });
  await expect(own).toHaveAccessibleDescription("Walled off from all other environments. Needs 2 GB of memory while it runs.");
  await page.getByRole("radio", { name: "Shared" }).focus();
  await page.keyboard.press("ArrowDown");
  await expect(own).toBeChecked();
  await expect(page.getByText("A machine is made for this environment alone, and starts.")).toBeVisible();
  await window.check("new-environment-own-machine");
  await create().click();
  await expect(page.getByRole("heading", { level: 1, name: "web" })).toBeVisible();
  await expect(page.getByText("Its own, walled off from other environments")).toBeVisible();
  const [environment] = (await host.environments.listEnvironments({})).environments;
  await host.whenPhase(environment?.id ?? "", EnvironmentPhase.RUNNING);
  expect((await host.host.listMachines({})).machines.map((machine) => machine.environmentId)).toEqual(["", environment?.id]);
});
