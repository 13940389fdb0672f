import { type Browser, expect, type Page } from "@playwright/test";
import { afterAll, afterEach, beforeAll, beforeEach, test } from "vitest";
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
  await host.create("app");
  window = await BrowserWindow.open(browser, host);
  page = window.page;
  await expect(page.getByRole("link", { name: "app", exact: true })).toBeVisible();
});

afterEach(async () => {
  await window.close();
  await host.end();
});

test("the link is gone from the address, and a reload is let in again", async () => {
  expect(page.url()).not.toContain("token");
  await page.reload();
  await expect(page.getByRole("link", { name: "app", exact: true })).toBeVisible();
  expect(await page.evaluate(() => document.cookie)).toBe("");
});

test("a browser without a session says how to get one", async () => {
  const stranger = await browser.newPage();
  await stranger.goto(page.url());
  await expect(stranger.getByRole("heading", { name: "This browser is not signed in" })).toBeVisible();
  await expect(stranger.getByText("berth ui")).toBeVisible();
  await stranger.close();
});

test("a link that was used says so", async () => {
  const { url } = await host.host.openUi({});
  const context = await browser.newContext();
  const first = await context.newPage();
  await first.goto(url);
  await expect(first.getByRole("link", { name: "app", exact: true })).toBeVisible();
  await context.close();
  const other = await browser.newPage();
  await other.goto(url);
  await expect(other.getByRole("heading", { name: "This browser is not signed in" })).toBeVisible();
  await other.close();
});

test("a host that is gone is told, with what was there; one that is new asks for a new link", async () => {
  await host.kill();
  await expect(page.getByRole("alert").filter({ hasText: "Berth does not answer" })).toBeVisible();
  await expect(page.getByRole("link", { name: "app", exact: true })).toBeVisible();
  await window.check("offline");
  await host.start();
  await host.host.openLoopback({});
  await expect(page.getByRole("heading", { name: "This browser is not signed in" })).toBeVisible({ timeout: 20_000 });
  await window.check("not-signed-in");
});

test("an address of nothing leads back", async () => {
  await window.go("/nowhere");
  await expect(page.getByRole("heading", { name: "There is no such page" })).toBeVisible();
  await window.check("not-found");
  await page.getByRole("button", { name: "Show environments" }).click();
  await expect(page.getByRole("link", { name: "app", exact: true })).toBeVisible();
});

test("a page that takes long to load says so", async () => {
  const held = Promise.withResolvers<void>();
  await window.go("/about");
  await page.route("**/about-page*", async (route) => held.promise.then(async () => route.continue()));
  await page.reload();
  await expect(page.getByRole("heading", { level: 1, name: "Loading" })).toBeVisible();
  held.resolve();
  await expect(page.getByRole("heading", { level: 1, name: "About" })).toBeFocused();
});

test("the palette has the keys from the moment that it is asked for", async () => {
  // Within one turn, before a frame is drawn: who types on loses nothing.
  const focused = await page.evaluate(async () => {
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "k", ctrlKey: true, bubbles: true, cancelable: true }));
    await Promise.resolve();
    return document.activeElement?.getAttribute("role");
  });
  expect(focused).toBe("combobox");
});

test("the theme that is chosen stays", async () => {
  await page.keyboard.press("Control+k");
  await page.keyboard.type("dark theme");
  await page.keyboard.press("Enter");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
});
