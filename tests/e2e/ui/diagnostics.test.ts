import { type Browser, expect, type Page } from "@playwright/test";
import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, test } from "vitest";
import { EnvironmentPhase } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { SimulatedHost } from "../../support/simulated-host.ts";
import { BrowserWindow, launchBrowser } from "./browser-window.ts";

let browser: Browser;
let host: SimulatedHost;
let window: BrowserWindow;
let page: Page;

beforeAll(async () => void (browser = await launchBrowser()));
afterAll(async () => browser.close());

afterEach(async () => {
  await window.close();
  await host.end();
});

async function open(path: string, env: NodeJS.ProcessEnv = {}, locale = "en-US"): Promise<void> {
  host = new SimulatedHost(env);
  await host.start();
  window = await BrowserWindow.open(browser, host, { locale });
  page = window.page;
  await window.go(path);
}

const checks = () => page.getByRole("list", { name: "This computer" }).getByRole("listitem");

test("what is wrong comes first, with a command to copy, and looking again is one key", async () => {
  await open("/diagnostics", { BERTH_SIMULATE: "slow" });
  await expect(checks().first()).toContainText("Acceleration");
  await expect(checks().first()).toContainText("Warning");
  await page.getByRole("button", { name: "Copy the command" }).first().click();
  expect(await page.evaluate(async () => navigator.clipboard.readText())).toBe("sudo usermod -aG kvm $USER");
  await expect(checks().filter({ hasText: "Disk of the machine" })).toHaveCount(0);
  await window.check("diagnostics");
  await host.host.startMachine({});
  await expect(page.getByText("Machine running")).toBeVisible();
  await page.keyboard.press("r");
  await expect(checks().filter({ hasText: "Disk of the machine" })).toHaveCount(1);
});

test("what is saved is what was shown, without names and without what was left out", async () => {
  await open("/diagnostics");
  await host.whenPhase(await host.create("app", "merger-plans"), EnvironmentPhase.RUNNING);
  await page.getByRole("button", { name: "Make a bundle" }).click();
  const log = page.getByRole("region", { name: "Log of the host" });
  await expect(log).toContainText("the host is ready");
  await expect(page.getByRole("region", { name: "Environments" })).toContainText("environment-1");
  await page.getByLabel("Include: Log of the host").uncheck();
  await window.check("diagnostics-bundle");
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toMatch(/^berth-support-\d{4}-\d\d-\d\dT\d\d-\d\d\.txt$/);
  const text = readFileSync(await download.path(), "utf8");
  expect(text).toContain("===== Versions and sizes =====\nBerth: ");
  expect(text).toContain("environment-1; ");
  expect(text).not.toContain("merger-plans");
  expect(text).not.toContain("the host is ready");
  await page.getByLabel("Leave names of environments and repositories readable").check();
  await expect(page.getByRole("region", { name: "Environments" })).toContainText("merger-plans");
});

test("without a host it says so, and nothing that was found is lost", async () => {
  await open("/diagnostics");
  await expect(checks().first()).toBeVisible();
  await host.kill();
  await expect(page.getByRole("alert")).toContainText("Berth does not answer");
  await expect(checks().first()).toBeVisible();
  await expect(page.getByRole("button", { name: "Run again" })).toHaveAttribute("aria-disabled", "true");
});

test("it speaks German", async () => {
  await open("/diagnostics", {}, "de-DE");
  await expect(page.getByText("Alles ist in Ordnung.")).toBeVisible();
  await page.getByRole("button", { name: "Paket schnüren" }).click();
  await expect(page.getByRole("region", { name: "Protokoll des Hosts" })).toBeVisible();
  await window.check("diagnostics-german");
});

test("about tells the version and whose work ships, each with its licence's text", async () => {
  await open("/about");
  await expect(page.getByText(/process \d+, started/)).toBeVisible();
  await page.getByLabel("Search packages").fill("connectrpc/connect-web");
  const one = page.getByRole("listitem").filter({ hasText: "@connectrpc/connect-web" });
  await expect(one).toContainText("Apache-2.0");
  await one.locator("summary").click();
  await expect(one).toContainText("Apache License");
  await window.check("about");
  await page.getByLabel("Search packages").fill("no such package");
  await expect(page.getByText("No package matches.")).toBeVisible();
  const link = page.getByRole("link", { name: "sources.debian.org" });
  await expect(link).toHaveAttribute("target", "_blank");
  await expect(link).toHaveAttribute("rel", /noopener/);
});
