import { type Browser, expect, type Locator, type Page } from "@playwright/test";
import { afterAll, afterEach, beforeAll, beforeEach, test } from "vitest";
import { EnvironmentPhase } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { SimulatedHost } from "../../support/simulated-host.ts";
import { BrowserWindow, launchBrowser } from "./browser-window.ts";

const floodLimitMs = 60_000;
let browser: Browser;
let host: SimulatedHost;
let id: string;
let window: BrowserWindow;
let page: Page;

beforeAll(async () => void (browser = await launchBrowser()));
afterAll(async () => browser.close());

beforeEach(async () => {
  host = new SimulatedHost();
  await host.start();
  id = await host.create("app");
  await host.whenPhase(id, EnvironmentPhase.RUNNING);
  window = await open();
  page = window.page;
});

afterEach(async () => {
  await window.close();
  await host.end();
});

/** A window on the environment's terminals, come to by their own address. */
async function open(): Promise<BrowserWindow> {
  const opened = await BrowserWindow.open(browser, host);
  await expect(opened.page.getByRole("link", { name: "app" })).toBeVisible();
  // Without WebGL the screen is made of elements, which can be read.
  await opened.page.addInitScript(() => {
    HTMLCanvasElement.prototype.getContext = () => null;
  });
  await opened.page.goto(new URL(`/environments/${id}/terminal`, opened.page.url()).href);
  await expect(screenOf(opened.page)).toContainText("$");
  return opened;
}

/** What the terminal that is looked at shows. */
function screenOf(at: Page): Locator {
  return at.locator(".xterm-rows:visible");
}

async function type(text: string, at = page): Promise<void> {
  await at.keyboard.type(text);
}

test("who comes here has a shell; what is typed is run, in colour and at the window's size", async () => {
  await expect(page.getByRole("textbox", { name: "Terminal input" })).toBeFocused();
  await type("echo hello\rsize\rcolors\r");
  await expect(screenOf(page)).toContainText("hello");
  await expect(screenOf(page)).toContainText(/4\d 1\d\d/);
  await page.setViewportSize({ width: 900, height: 500 });
  await type("clear\rsize\r");
  await expect(screenOf(page)).toContainText(/2\d \d{2}\D/);
});

test("the graphics processor draws where there is one, and what stands there is found", async () => {
  await window.close();
  window = await BrowserWindow.open(browser, host);
  page = window.page;
  await window.go(`/environments/${id}/terminal`);
  await expect(page.locator(".xterm-screen canvas").first()).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Terminal input" })).toBeFocused();
  await type("echo hello\rcolors\rls -l\r");
  await page.getByRole("button", { name: "Find in the terminal" }).click();
  await type("hello");
  await expect(page.getByRole("status").filter({ hasText: "1 of 2" })).toBeVisible();
  await window.check("environment-terminal");
});

test("a shell outlives the page: loaded again and in another window it is the same", async () => {
  await type("echo kept\r");
  await expect(screenOf(page)).toContainText("kept");
  await page.reload();
  await expect(screenOf(page)).toContainText("kept");
  await type("echo more\r");
  await expect(screenOf(page)).toContainText("more");
  const other = await open();
  await expect(screenOf(other.page)).toContainText("kept");
  await type("echo from-there\r", other.page);
  await expect(screenOf(page)).toContainText("from-there");
  await other.close();
});

test("several tabs are named, chosen and closed", async () => {
  await type("title first\r");
  const tabs = page.getByRole("navigation", { name: "Terminals" });
  await page.getByRole("button", { name: "New terminal" }).click();
  await expect(tabs.getByRole("listitem")).toHaveCount(2);
  await expect(screenOf(page)).toContainText("$");
  await type("echo second-shell\r");
  await page.getByRole("button", { name: "Rename the terminal" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("server");
  await page.keyboard.press("Enter");
  await expect(tabs.getByRole("button", { name: "server", exact: true })).toHaveAttribute("aria-current", "true");
  await tabs.getByRole("button").first().click();
  await expect(screenOf(page)).not.toContainText("second-shell");
  await tabs.getByRole("button", { name: "Close server" }).click();
  await expect(tabs.getByRole("listitem")).toHaveCount(1);
  expect((await host.terminals.listTerminals({ environmentId: id })).terminals).toHaveLength(1);
});

test("text is pasted as one piece, copied, and found", async () => {
  await page.evaluate(async () => navigator.clipboard.writeText("echo one\necho two"));
  await page.keyboard.press("Control+Shift+V");
  // A pasted line break is not a return: nothing runs until the person says so.
  await expect(screenOf(page)).toContainText("echo two");
  await expect(screenOf(page)).not.toContainText(/one\s+\S*echo two\s+one/);
  await type("\r");
  await page.keyboard.press("Control+Shift+F");
  await type("two");
  await expect(page.getByRole("status").filter({ hasText: /^\d of \d$/ })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("textbox", { name: "Terminal input" })).toBeFocused();
  // The rows are drawn anew for a moment after the find bar is gone, and a word is picked only on a row that stays.
  await expect(async () => {
    await screenOf(page)
      .getByText("echo two")
      .first()
      .dblclick({ force: true, position: { x: 4, y: 4 } });
    await page.keyboard.press("Control+Shift+C");
    expect(await page.evaluate(async () => navigator.clipboard.readText())).toBe("echo");
  }).toPass();
});

test(
  "a flood neither freezes the page nor another terminal, ends whole, and can be interrupted",
  { timeout: 3 * floodLimitMs },
  async () => {
    await type("cat 20M\r");
    const rename = page.getByRole("button", { name: "Rename the terminal" });
    // The page answers while output is drawn.
    await rename.click();
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toBeHidden();
    await page.getByRole("button", { name: "New terminal" }).click();
    await expect(screenOf(page)).toContainText("$");
    await type("echo beside\r");
    await expect(screenOf(page)).toContainText("beside");
    await page.getByRole("navigation", { name: "Terminals" }).getByRole("button").first().click();
    await expect(screenOf(page)).toContainText("002097", { timeout: floodLimitMs });
    await page.getByRole("textbox", { name: "Terminal input" }).press("Enter");
    await type("cat 2000M\r");
    await expect(screenOf(page)).toContainText("abcdefghij");
    await page.keyboard.press("Control+c");
    await expect(screenOf(page)).toContainText("^C", { timeout: floodLimitMs });
  },
);

test("the end of a shell is told with its exit code", async () => {
  await type("exit 3\r");
  await expect(page.getByText("This shell has ended with exit code 3.")).toBeVisible();
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await expect(page.getByText("No terminal is open")).toBeVisible();
  await window.check("environment-terminal-none");
  await page.getByRole("button", { name: "New terminal" }).click();
  await expect(screenOf(page)).toContainText("$");
});

test("a lost connection is told, and what cannot come back is, too", async () => {
  await host.kill();
  await expect(page.getByText("The connection was lost. The terminal runs on; trying again.")).toBeVisible();
});

test("an environment that stops ends its shells, and a start is at hand", async () => {
  await host.environments.stopEnvironment({ environmentId: id });
  await expect(page.getByText("It is not running")).toBeVisible();
  await page.getByRole("main").getByRole("button", { name: "Start", exact: true }).last().click();
  await expect(screenOf(page)).toBeVisible();
});
