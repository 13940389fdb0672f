import { type Browser, expect, type Page } from "@playwright/test";
import { join } from "node:path";
import { afterAll, beforeAll, inject, test } from "vitest";
import { must, Product, Servers } from "../../vm/product.ts";
import { BrowserWindow, launchBrowser } from "./browser-window.ts";

/** What a machine does takes its time under emulation. */
const startLimitMs = 5 * 60_000;
const stopLimitMs = 60_000;
const portLimitMs = 30_000;
const shellLimitMs = 30_000;
const name = "journey";
const product = new Product(inject("productFolder"));
let browser: Browser;
let window: BrowserWindow;
let page: Page;

beforeAll(async () => {
  await product.deleteAll([name]);
  browser = await launchBrowser();
  await openWindow();
});

afterAll(async () => {
  await window.close();
  await browser.close();
  await product.deleteAll([name]);
});

async function openWindow(): Promise<void> {
  window = await BrowserWindow.openAt(browser, must(product.berth("ui", "--print")).stdout.trim());
  page = window.page;
}

/** What docs/WINDOW.md shows of this way. */
const picture = async (step: string): Promise<void> => window.picture(page.locator("body"), `journey-${step}`);
const shell = () => page.locator(".xterm-rows:visible");
const action = (label: string) => page.getByRole("button", { name: label, exact: true });

async function openTerminal(): Promise<void> {
  // Without WebGL the screen is made of elements, which can be read.
  await page.addInitScript(() => {
    HTMLCanvasElement.prototype.getContext = () => null;
  });
  await page.reload();
  await page.getByRole("tab", { name: "Terminal" }).click();
  await expect(shell()).toContainText("$", { timeout: shellLimitMs });
}

test("a pasted address becomes a shell, a page in the browser and an editor; the work in it outlives a stop", async () => {
  const url = new Servers(product).publish(name, join(import.meta.dirname, "../../../samples/node-web"));
  await page.getByRole("link", { name: "New environment" }).first().click();
  await page.getByLabel("Repository or folder").fill(url);
  await expect(page.getByRole("button", { name: "Create" })).toBeEnabled();
  await picture("address");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await expect(page.getByText("Preparing the dev container").first()).toBeVisible({ timeout: startLimitMs });
  await picture("starting");
  await expect(action("Open in VS Code")).toBeEnabled({ timeout: startLimitMs });

  await openTerminal();
  await page.keyboard.type("echo typed-$((40 + 2)) | tee kept.txt\r");
  await expect(shell()).toContainText("typed-42", { timeout: shellLimitMs });
  await picture("shell");

  await page.getByRole("tab", { name: /^Ports/ }).click();
  const port = page.getByRole("row").filter({ hasText: "3000" }).getByRole("link");
  await expect(page.getByRole("row").filter({ hasText: "3000" })).toContainText("node");
  await expect(port).toHaveAttribute("href", /^http:\/\/127\.0\.0\.1:\d+/, { timeout: portLimitMs });
  await picture("ports");
  expect(await (await fetch((await port.getAttribute("href")) ?? "")).text()).toContain("Node v24");

  const link = `vscode://vscode-remote/ssh-remote+${name}.berth/workspaces/${name}?windowId=_blank`;
  const followed = page.waitForEvent("requestfailed", (request) => request.url() === link);
  await action("Open in VS Code").click();
  await followed;
  // The browser asks in front of the page whether to open it, and nothing but a person can answer: on in another window.
  await window.close();
  await openWindow();
  await page.getByRole("link", { name, exact: true }).click();

  await action("Stop").click();
  await action("Start").click({ timeout: stopLimitMs });
  await expect.poll(() => product.show(name)["phase"], { timeout: startLimitMs }).toBe("running");
  await openTerminal();
  await page.keyboard.type("cat kept.txt\r");
  await expect(shell()).toContainText("typed-42", { timeout: shellLimitMs });

  await page.getByRole("tab", { name: "Settings" }).click();
  await action("Delete").click();
  const dialog = page.getByRole("dialog", { name: `Delete ${name}?` });
  await expect(dialog).toContainText("kept.txt", { timeout: shellLimitMs });
  await dialog.getByLabel("I do not need this work any more").check();
  await dialog.getByRole("button", { name: "Delete" }).click();
  await expect(page).toHaveURL(/\/environments$/);
  await expect.poll(() => product.names(), { timeout: stopLimitMs }).not.toContain(name);
});
