import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Browser, expect, type Page } from "@playwright/test";
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
  host = new SimulatedHost();
  await host.start();
});

afterEach(async () => {
  await window.close();
  await host.end();
});

async function open(options: Parameters<typeof BrowserWindow.open>[2] = {}): Promise<void> {
  window = await BrowserWindow.open(browser, host, options);
  page = window.page;
}

const row = (name: string) => page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
const names = () => page.getByRole("row").getByRole("link").and(page.locator("[href^='/environments/']"));
const menuOf = async (name: string) => page.getByRole("button", { name: `More for ${name}` }).click();
const item = (name: string) => page.getByRole("menuitem", { name: new RegExp(`^${name}`) });

test("a newcomer pastes an address and is at the environment's page", async () => {
  await open();
  await expect(page.getByRole("heading", { name: "Welcome to Berth" })).toBeVisible();
  await expect(page.getByRole("button", { name: "node-web" })).toBeVisible();
  await window.check("welcome");
  await page.getByLabel("Repository or folder").fill("https://simulated.test/app.git");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/environments\/[0-9a-f-]{36}\/overview$/);
  await expect(page.getByRole("heading", { level: 1, name: "app" })).toBeVisible();
});

test("every state is told in words, with what can be done about it", async () => {
  await Promise.all(["web", "dirty", "fail-clone", "fail-build", "several-configs", "slow-build"].map(async (name) => host.create(name)));
  const stopped = await host.create("app", "stopped");
  await host.whenPhase(stopped, EnvironmentPhase.RUNNING);
  await host.environments.stopEnvironment({ environmentId: stopped });
  await open();
  await expect(row("web")).toContainText("Running");
  await expect(row("web").getByRole("link", { name: "Open port 3000 (node)" })).toHaveAttribute("href", /^http:\/\/127\.0\.0\.1:\d+/);
  await expect(row("dirty")).toContainText("3 changed files");
  await expect(row("dirty")).toContainText("2 unpushed commits");
  await expect(row("fail-clone")).toContainText("Failed");
  await expect(row("fail-clone")).toContainText("The repository was not found");
  await expect(row("fail-build")).toContainText("Recovery container");
  await expect(row("several-configs")).toContainText("Choose dev container");
  await expect(row("slow-build")).toContainText(/Building the image\s*0:\d\d/);
  await expect(row("stopped")).toContainText("Stopped");
  await window.check("environments");
  await page.getByRole("button", { name: "Show as cards" }).click();
  await window.check("environments-cards");
});

test("what cannot be done says why, and what can is done", async () => {
  const id = await host.create("app");
  await host.whenPhase(id, EnvironmentPhase.RUNNING);
  await open();
  await menuOf("app");
  await expect(item("Start")).toContainText("It is running already.");
  await expect(item("Start")).toHaveAttribute("aria-disabled", "true");
  await expect(item("VS Code Insiders")).toBeVisible();
  await window.check("environments-menu");
  await item("Copy the ssh command").click();
  await expect(page.getByText("Copied")).toBeVisible();
  expect(await page.evaluate(async () => navigator.clipboard.readText())).toBe("ssh app.berth");
  await menuOf("app");
  await item("Stop").click();
  await expect(row("app")).toContainText("Stopped");
  await menuOf("app");
  await expect(item("Restart")).toContainText("It is not running. Start it first.");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Start: app" }).click();
  await expect(row("app")).toContainText("Running");
  const lastStartedMs = async (): Promise<number> => {
    const { environment } = await host.environments.getEnvironment({ environmentId: id });
    return environment?.metadata?.lastStartedAt === undefined ? 0 : timestampMs(environment.metadata.lastStartedAt);
  };
  const beforeMs = await lastStartedMs();
  await menuOf("app");
  await item("Restart").click();
  await expect.poll(lastStartedMs).not.toBe(beforeMs);
  await expect(row("app")).toContainText("Running");
});

test("deleting names the work that would be lost, and needs a yes to that", async () => {
  const id = await host.create("dirty");
  await host.whenPhase(id, EnvironmentPhase.RUNNING);
  await open();
  await expect(row("dirty")).toContainText("3 changed files");
  await page.keyboard.press("j");
  await page.keyboard.press("Delete");
  const dialog = page.getByRole("dialog", { name: "Delete dirty?" });
  for (const text of ["3 changed files", "src/app.ts", "notes/todo.md", "2 unpushed commits", "Try another layout"])
    await expect(dialog).toContainText(text);
  await window.check("environments-delete");
  await dialog.getByRole("button", { name: "Delete" }).click({ force: true });
  await expect(dialog).toBeVisible();
  expect((await host.environments.listEnvironments({})).environments).toHaveLength(1);
  await dialog.getByLabel("I do not need this work any more").check();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("heading", { name: "Welcome to Berth" })).toBeVisible();
  expect((await host.environments.listEnvironments({})).environments).toEqual([]);
});

test("what was changed a moment ago is named before it is deleted", async () => {
  await host.whenPhase(await host.create("just-edited"), EnvironmentPhase.RUNNING);
  await open();
  await expect(row("just-edited")).toContainText("Running");
  await page.keyboard.press("j");
  await page.keyboard.press("Delete");
  const dialog = page.getByRole("dialog", { name: "Delete just-edited?" });
  await expect(dialog).toContainText("src/app.ts");
  await dialog.getByLabel("I do not need this work any more").check();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("heading", { name: "Welcome to Berth" })).toBeVisible();
});

test("a name that is taken is refused in the form; another is taken on at once", async () => {
  const ids = [await host.create("app", "one"), await host.create("app", "two")];
  for (const id of ids) await host.whenPhase(id, EnvironmentPhase.RUNNING);
  await open();
  await menuOf("one");
  await item("Rename").click();
  const name = page.getByLabel("Name", { exact: true });
  await name.fill("two");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toContainText("The name is taken");
  await window.check("environments-rename");
  await name.fill("three");
  await page.keyboard.press("Enter");
  await expect(row("three")).toBeVisible();
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("of several dev containers one is chosen, and it goes on", async () => {
  await host.create("several-configs");
  await open();
  await expect(row("several-configs")).toContainText("Choose dev container");
  await menuOf("several-configs");
  await item("Choose a dev container").click();
  await page.getByLabel(".devcontainer/b/devcontainer.json").check();
  await window.check("environments-choice");
  await page.getByRole("button", { name: "Use it" }).click();
  await expect(row("several-configs")).toContainText("Running");
  const { environment } = (await host.environments.listEnvironments({})).environments.map((e) => ({ environment: e }))[0] ?? {};
  expect(environment?.status?.devcontainer?.devcontainerFilePath).toBe(".devcontainer/b/devcontainer.json");
});

test("many are picked with keys and stopped and deleted together", async () => {
  const ids = await Promise.all(["one", "two", "three"].map(async (name) => host.create("app", name)));
  for (const id of ids) await host.whenPhase(id, EnvironmentPhase.RUNNING);
  await open();
  await expect(row("three")).toContainText("Running");
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("x");
  await expect(page.getByText("2 selected")).toBeVisible();
  await window.check("environments-selected");
  await page.getByRole("button", { name: "Stop 2" }).click();
  await expect(page.getByRole("button", { name: "Start 2" })).toBeVisible();
  await page.keyboard.press("Control+a");
  await expect(page.getByText("3 selected")).toBeVisible();
  await page.getByRole("button", { name: "Delete 3" }).click();
  await page.getByRole("dialog", { name: "Delete 3 environments?" }).getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("heading", { name: "Welcome to Berth" })).toBeVisible();
});

test("the keyboard alone goes everywhere", async () => {
  const ids = await Promise.all(["alpha", "beta"].map(async (name) => host.create("app", name)));
  for (const id of ids) await host.whenPhase(id, EnvironmentPhase.RUNNING);
  await open();
  await expect(row("alpha")).toBeVisible();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toContainText("Select or not");
  await window.check("keyboard-help");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await page.keyboard.press("/");
  await page.keyboard.type("beta");
  await expect(names()).toHaveText(["beta"]);
  await page.keyboard.press("Enter");
  await expect(row("beta")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "beta" })).toBeVisible();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("alp");
  await window.check("palette");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "alpha" })).toBeVisible();
  await page.keyboard.press("g");
  await page.keyboard.press("m");
  await expect(page).toHaveURL(/\/machine$/);
  await page.keyboard.press("n");
  await expect(page.getByLabel("Repository or folder")).toBeFocused();
  await page.goBack();
  await expect(page).toHaveURL(/\/machine$/);
});

test("search, filter, groups and order show what they say", async () => {
  const dirty = await host.create("dirty");
  await host.whenPhase(dirty, EnvironmentPhase.RUNNING);
  for (const name of ["web", "api"]) await host.whenPhase(await host.create("app", name), EnvironmentPhase.RUNNING);
  await open();
  await expect(names()).toHaveText(["api", "web", "dirty"]);
  const choose = async (label: string, option: string) => {
    await page.getByRole("combobox", { name: label }).click();
    await page.getByRole("option", { name: option, exact: true }).click();
  };
  await choose("Sort by", "Name");
  await expect(names()).toHaveText(["api", "dirty", "web"]);
  await choose("Group by", "Group by project");
  await expect(page.getByRole("row").filter({ hasText: "simulated.test/app" }).first()).toContainText("2");
  await window.check("environments-groups");
  await choose("Show", "With unpushed work");
  await expect(names()).toHaveText(["dirty"]);
  await page.getByLabel("Search environments").fill("nothing like it");
  await expect(page.getByRole("heading", { name: "Nothing matches" })).toBeVisible();
  await page.getByRole("button", { name: "Clear search and filter" }).click();
  await expect(names()).toHaveCount(3);
  await page.reload();
  await expect(page.getByRole("combobox", { name: "Group by" })).toContainText("Group by project");
});

test("of 400 only those in sight are drawn, and the last is one key away", async () => {
  for (let n = 0; n < 400; n += 50)
    await Promise.all(Array.from({ length: 50 }, async (_, m) => createStopped(`env-${String(n + m).padStart(3, "0")}`)));
  await open();
  await expect(page.getByText("400", { exact: true }).first()).toBeVisible();
  expect(await page.getByRole("row").count()).toBeLessThan(60);
  await page.keyboard.press("End");
  await expect(page.locator("[data-row]:focus")).toBeVisible();
  await page.keyboard.press("Home");
  await expect(page.locator("[data-row]:focus")).toBeVisible();
  await page.getByLabel("Search environments").fill("env-399");
  await expect(names()).toHaveText(["env-399"]);
});

async function createStopped(name: string): Promise<void> {
  await host.environments.createEnvironment({
    name,
    spec: {
      desiredPhase: EnvironmentPhase.STOPPED,
      content: { initializer: { specs: [{ spec: { case: "contextUrl", value: { url: "https://simulated.test/app.git" } } }] } },
    },
  });
}

test("it speaks German to who prefers it", async () => {
  await host.create("app");
  await open({ locale: "de-DE" });
  await expect(page.getByRole("heading", { level: 1, name: "Umgebungen" })).toBeVisible();
  await expect(row("app")).toContainText("Läuft");
  await expect(page.locator("html")).toHaveAttribute("lang", "de");
  await window.check("environments-german");
});
