import { type Browser, expect, type Page } from "@playwright/test";
import { readFileSync } from "node:fs";
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

/** An environment of this sentinel, with a window on one of its tabs. */
async function openOn(sentinel: string, tab: string, phase: EnvironmentPhase | "any" = EnvironmentPhase.RUNNING): Promise<string> {
  const id = await host.create(sentinel);
  if (phase !== "any") await host.whenPhase(id, phase);
  window = await BrowserWindow.open(browser, host);
  page = window.page;
  await window.go(`/environments/${id}/${tab}`);
  return id;
}

const fact = (name: string) => page.locator("dl > div").filter({ has: page.getByText(name, { exact: true }) });

/** Who comes to an environment that waits for a choice is offered it first. */
async function declineChoice(): Promise<void> {
  await expect(page.getByRole("dialog")).toContainText(".devcontainer/a/devcontainer.json");
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
}

test("the overview tells what it is, what it used and what each step printed", async () => {
  await openOn("dirty", "overview");
  await expect(page.getByRole("heading", { level: 1, name: "dirty" })).toBeVisible();
  await expect(fact("Configuration")).toContainText(".devcontainer/devcontainer.json");
  await expect(fact("User")).toContainText("vscode");
  await expect(fact("Branch")).toContainText("main");
  await expect(fact("Work")).toContainText("3 changed files, 2 unpushed commits");
  await page.getByText("3 changed files", { exact: true }).click();
  await expect(page.getByText("src/app.test.ts")).toBeVisible();
  await expect(page.getByRole("img", { name: /^Memory: [\d.]+ MB of 8 GB$/ })).toBeVisible();
  await expect(page.getByRole("img", { name: /^CPU: \d+ % of \d+ %$/ })).toBeVisible();
  await page.getByRole("button", { name: /Building the image/ }).click();
  const log = page.getByRole("log", { name: "Building the image" });
  await expect(log).toContainText("RUN apt-get install --yes package-1");
  await expect(log).not.toContainText("Cloning the repository");
  await expect(log).not.toContainText("Starting the container");
  await window.check("environment-overview");
});

test("a start is told step by step with a clock, its log as it grows, and can be stopped", async () => {
  await openOn("slow-build", "overview", "any");
  const step = page.getByRole("button", { name: /Running\s*Building the image\s*0:\d\d/ });
  await expect(step).toBeVisible();
  await step.click();
  await expect(page.getByRole("log", { name: "Building the image" })).toContainText("package-3");
  await window.check("environment-starting");
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(page.getByRole("button", { name: "Start", exact: true })).toBeVisible();
});

test("a failure says what did not happen, why and what to try, and its buttons do it", async () => {
  const id = await openOn("fail-build", "overview");
  const failure = page.getByRole("alert");
  await expect(failure).toContainText("The dev container could not be built");
  await expect(failure).toContainText("the Dockerfile's third step failed");
  await expect(failure).toContainText("mend the configuration in the recovery container");
  await window.check("environment-failure");
  await failure.getByRole("button", { name: "Show the log" }).click();
  await expect(page).toHaveURL(new RegExp(`${id}/logs$`));
  await page.goBack();
  await failure.getByRole("button", { name: "Rebuild the dev container" }).click();
  await expect(page.getByRole("dialog", { name: "Rebuild fail-build?" })).toBeVisible();
  await page.keyboard.press("Escape");
  await failure.getByRole("button", { name: "Open a terminal in the recovery container" }).click();
  await expect(page.getByRole("textbox", { name: "Terminal input" })).toBeFocused();
});

test("a clone that failed is tried again by a button", async () => {
  await openOn("fail-clone", "overview", "any");
  await expect(page.getByRole("alert")).toContainText("The repository was not found");
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("alert")).toContainText("The repository was not found");
});

test("a configuration that was changed since is told, and so is a command that failed", async () => {
  const id = await openOn("drifted", "overview");
  await expect(page.getByText("The configuration was changed since the container was made")).toBeVisible();
  await page.getByRole("button", { name: "Rebuild the dev container" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Rebuild" }).click();
  const container = async (): Promise<string> =>
    (await host.environments.getEnvironment({ environmentId: id })).environment?.status?.devcontainer?.containerName ?? "";
  await expect.poll(container).toBe("simulated-2");
  const warned = await host.create("warning");
  await host.whenPhase(warned, EnvironmentPhase.RUNNING);
  await window.go(`/environments/${warned}/overview`);
  await expect(page.getByText("A lifecycle command failed")).toBeVisible();
  await expect(page.getByText(/postCreateCommand ended with exit code 1/)).toBeVisible();
});

test("of several configurations one is chosen where it is asked", async () => {
  await openOn("several-configs", "overview");
  await declineChoice();
  await page.getByRole("button", { name: "Choose a dev container" }).click();
  await expect(page.getByRole("dialog")).toContainText(".devcontainer/b/devcontainer.json");
});

test("the log of a long build is shown at its end, filtered, and saved as a file", async () => {
  await openOn("noisy", "logs");
  const log = page.getByRole("log", { name: "Log" });
  await expect(page.getByText("20003 lines")).toBeVisible();
  await expect(log).toContainText("Starting the container");
  await expect(page.getByRole("button", { name: "Follow" })).toHaveAttribute("aria-pressed", "true");
  await log.hover();
  await page.mouse.wheel(0, -3000);
  await expect(page.getByRole("button", { name: "Follow" })).toHaveAttribute("aria-pressed", "false");
  await page.getByRole("searchbox", { name: "Filter lines" }).fill("PACKAGE-1999");
  await expect(page.getByText("11 of 20003 lines")).toBeVisible();
  await expect(log.locator("mark").first()).toHaveText("package-1999");
  await window.check("environment-logs");
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download the log" }).click();
  const file = await saved;
  expect(file.suggestedFilename()).toBe("noisy.log");
  const text = readFileSync(await file.path(), "utf8");
  expect(text.split("\n")).toHaveLength(20_004);
  expect(text).not.toContain("\u001b");
});

test("a port is opened, copied and given a label", async () => {
  await openOn("web", "ports");
  const row = page.getByRole("row").filter({ hasText: "3000" });
  await expect(row).toContainText("node");
  await expect(row.getByRole("link")).toHaveAttribute("href", /^http:\/\/127\.0\.0\.1:\d+$/);
  await row.getByRole("button", { name: "Copy the address of port 3000" }).click();
  expect(await page.evaluate(async () => navigator.clipboard.readText())).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  await row.getByRole("button", { name: "Label port 3000" }).click();
  await page.getByRole("textbox", { name: "Label" }).fill("The site");
  await page.keyboard.press("Enter");
  await expect(row).toContainText("The site");
  await window.check("environment-ports");
});

test("settings rename it, choose its configuration and delete it", async () => {
  const id = await openOn("several-configs", "settings");
  await declineChoice();
  await page.getByRole("textbox", { name: "Name" }).fill("renamed");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "renamed" })).toBeVisible();
  await page.getByRole("combobox", { name: "Dev container configuration" }).click();
  await page.getByRole("option", { name: ".devcontainer/b/devcontainer.json" }).click();
  await page.getByRole("button", { name: "Use and rebuild" }).click();
  const used = async (): Promise<string> =>
    (await host.environments.getEnvironment({ environmentId: id })).environment?.status?.devcontainer?.devcontainerFilePath ?? "";
  await expect.poll(used).toBe(".devcontainer/b/devcontainer.json");
  await host.whenPhase(id, EnvironmentPhase.RUNNING);
  await window.check("environment-settings");
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page).toHaveURL(/\/environments$/);
});

test("an environment that is gone says so", async () => {
  await openOn("app", "overview");
  await window.go("/environments/01a20f8f-8e7f-7fb5-a579-a5e88c727a1f/overview");
  await expect(page.getByRole("heading", { name: "This environment is gone" })).toBeVisible();
});

test("tabs and actions are reached by keys, and German has its words", async () => {
  const id = await openOn("app", "overview");
  await expect(page.getByRole("heading", { level: 1, name: "app" })).toBeVisible();
  await page.keyboard.press("3");
  await expect(page).toHaveURL(new RegExp(`${id}/logs$`));
  await page.keyboard.press("4");
  await expect(page.getByText("No port is open")).toBeVisible();
  await window.close();
  window = await BrowserWindow.open(browser, host, { locale: "de-DE" });
  page = window.page;
  await window.go(`/environments/${id}/overview`);
  await expect(page.getByRole("tab", { name: "Übersicht" })).toBeVisible();
  await expect(page.getByText("Letzter Start")).toBeVisible();
});

test("a delete that failed says why, and its button asks again and deletes", async () => {
  const id = await openOn("fail-delete", "overview");
  await host.environments.deleteEnvironment({ environmentId: id });
  const failure = page.getByRole("alert");
  await expect(failure).toContainText("its disk has errors");
  await failure.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("alert")).toHaveCount(0);
  await expect.poll(async () => (await host.environments.listEnvironments({})).environments.length).toBe(0);
});
