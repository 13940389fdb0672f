import type { Browser } from "@playwright/test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { PlaneProcess } from "../../integration/server/plane-process.ts";
import { SimulatedHost } from "../../support/simulated-host.ts";
import { WebBrowser } from "../../support/sign-in/web-browser.ts";
import { BrowserWindow, launchBrowser } from "./browser-window.ts";
import { expect } from "./manage-world.ts";

/** A look-up of a name that nobody has takes as long as the name servers of this computer take. */
const lookUpTimeoutMs = 30_000;

let browser: Browser;
let plane: PlaneProcess;
let host: SimulatedHost;
let folder: string;
let contextId: string;

beforeAll(async () => {
  browser = await launchBrowser();
  folder = mkdtempSync(join(tmpdir(), "berth-manage-"));
  plane = await PlaneProcess.serve("--dev", "--dev-folder", folder);
  host = new SimulatedHost();
  await host.start();
  contextId = await signIn();
});
afterAll(async () => {
  await browser.close();
  await host.end();
  await plane.stop();
  rmSync(folder, { recursive: true });
});

/** Signs the host in as the trial's administrator does it in the system's browser. */
async function signIn(): Promise<string> {
  const { context } = await host.contexts.addContext({ planeUrl: plane.baseUrl, name: "trial" });
  const id = context?.contextId ?? "";
  const person = new WebBrowser();
  for await (const { progress } of host.contexts.signIn({ contextId: id, method: { case: "browser", value: {} } })) {
    if (progress.case !== "browserUrl") continue;
    const choice = await person.submit(await person.open(progress.value), { email: "demo@berth.test" });
    void person.submit(await person.submit(choice, { person: "demo" }), { answer: "allow" });
  }
  return id;
}

test("a provider is changed, and the plane's reasons are told where it refuses", async () => {
  const window = await BrowserWindow.open(browser, host);
  const { page } = window;
  await window.go(`/manage/${contextId}/sign-in`);
  const providers = page.getByRole("region", { name: "Identity providers" });
  await expect(providers.getByRole("listitem")).toHaveCount(1);
  const name = (await providers.getByRole("button", { name: /^Edit / }).getAttribute("aria-label"))?.replace("Edit ", "") ?? "";

  // The last one that is on stays on, and the dialog says why.
  await providers.getByRole("button", { name: `Turn off: ${name}` }).press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Turn off" }).press("Enter");
  await expect(dialog.getByRole("alert")).toContainText("last active SSO configuration");
  await page.keyboard.press("Escape");

  await providers.getByRole("button", { name: `Edit ${name}` }).click();
  await expect(dialog).toContainText(`${plane.baseUrl}/auth/callback/`);
  await expect(dialog.getByRole("checkbox", { name: "Join accounts by address" })).toBeChecked();
  await dialog.getByLabel("Name").fill("Our provider");
  await dialog.getByRole("checkbox", { name: "Device codes" }).uncheck();
  await window.check("manage-provider");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(providers.getByRole("listitem")).toContainText("Our provider");
  await providers.getByRole("button", { name: "Edit Our provider" }).click();
  await expect(dialog.getByRole("checkbox", { name: "Device codes" })).not.toBeChecked();
  await expect(dialog.getByRole("checkbox", { name: "Join accounts by address" })).toBeChecked();
  await page.keyboard.press("Escape");

  // One that does not answer is not kept.
  await page.getByRole("button", { name: "Add a provider" }).click();
  await dialog.getByLabel("Issuer").fill("http://127.0.0.1:1");
  await dialog.getByLabel("Client id").fill("berth");
  await dialog.getByLabel("Client secret", { exact: true }).fill("secret");
  await dialog.getByRole("button", { name: "Add a provider" }).click();
  await expect(dialog.getByRole("alert")).toBeVisible();
  await expect(dialog.getByLabel("Client id")).toHaveValue("berth");
  await page.keyboard.press("Escape");
  await expect(providers.getByRole("listitem")).toHaveCount(1);
  await window.close();
});

test("a domain is added with the record to copy, and is not verified without it; usage says what it has", async () => {
  const window = await BrowserWindow.open(browser, host);
  const { page } = window;
  await window.go(`/manage/${contextId}/sign-in`);
  const dialog = page.getByRole("dialog");
  await page.getByRole("button", { name: "Add a domain" }).click();
  await dialog.getByLabel("Domain").fill("example.invalid");
  await page.keyboard.press("Enter");
  await expect(dialog).toContainText("_berth-challenge.example.invalid");
  await dialog.getByRole("button", { name: "Copy: Value" }).click();
  expect(await page.evaluate(async () => navigator.clipboard.readText())).toMatch(/^berth-domain-verification=/);
  await dialog.getByRole("button", { name: "Verify" }).click();
  await expect(dialog.getByRole("alert")).toBeVisible({ timeout: lookUpTimeoutMs });
  await page.keyboard.press("Escape");
  const domains = page.getByRole("region", { name: "Domains" });
  await expect(domains.getByRole("listitem").filter({ hasText: "example.invalid" })).toContainText("Not verified");
  await window.check("manage-sign-in");
  await domains.getByRole("button", { name: "Delete example.invalid" }).click();
  await dialog.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(domains.getByRole("listitem").filter({ hasText: "example.invalid" })).toHaveCount(0);

  await window.go(`/manage/${contextId}/usage`);
  const answers = page
    .getByRole("heading", { name: "This plane does not have this yet" })
    .or(page.getByRole("img", { name: /^Hours that/ }));
  await expect(answers).toBeVisible();
  await window.check("manage-usage");
  await window.close();
});
