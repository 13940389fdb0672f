import type { Browser } from "@playwright/test";
import { afterAll, beforeAll, test } from "vitest";
import { launchBrowser } from "./browser-window.ts";
import { expect, ManageWorld } from "./manage-world.ts";

const many = 120;

let browser: Browser;
let world: ManageWorld;

beforeAll(async () => {
  browser = await launchBrowser();
  world = new ManageWorld();
  await world.start();
  const runnerId = await world.plane.addRunner("garage", "");
  await world.plane.addOn(runnerId, ...Array.from({ length: many }, (_, n) => `many-${String(n).padStart(4, "0")}`));
});

afterAll(async () => {
  await world.end();
  await browser.close();
});

test("projects are added, changed and deleted", async () => {
  const window = await world.open(browser, "projects");
  const { page } = window;
  await expect(page.getByRole("heading", { name: "There are no projects" })).toBeVisible();
  await page.getByRole("button", { name: "Add a project" }).click();
  const dialog = page.getByRole("dialog", { name: "Add a project" });
  await dialog.getByRole("textbox", { name: "Name" }).fill("Website");
  await dialog.getByLabel("Repository").fill("nonsense");
  await expect(dialog.getByRole("alert")).toContainText("no address of a repository");
  await dialog.getByLabel("Repository").fill("https://github.com/example/website");
  await dialog.getByLabel("Dev container").fill("/etc/passwd");
  await expect(dialog.getByRole("button", { name: "Add a project" })).toBeDisabled();
  await dialog.getByLabel("Dev container").fill(".devcontainer/devcontainer.json");
  await page.keyboard.press("Enter");
  const website = page.getByRole("table", { name: "Projects" }).getByRole("row").nth(1);
  await expect(website).toContainText(/Website.*github.com\/example\/website.*devcontainer.json.*Ada/);
  await website.getByRole("button", { name: "Edit Website" }).press("Enter");
  await page.getByRole("dialog").getByRole("textbox", { name: "Name" }).fill("Shop");
  await page.keyboard.press("Enter");
  await expect(website).toContainText("Shop");
  await window.check("manage-projects");
  await website.getByRole("button", { name: "Delete Shop" }).click();
  await expect(page.getByRole("dialog")).toContainText("Environments that were made of it stay");
  await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  await expect(page.getByRole("heading", { name: "There are no projects" })).toBeVisible();
  await window.close();
});

test("what was done is in the audit log, and found there by what it is about and when", async () => {
  const window = await world.open(browser, "members");
  const { page } = window;
  await page.getByRole("navigation", { name: "Areas" }).getByRole("link", { name: "Audit log" }).click();
  const log = page.getByRole("table", { name: "Audit log" });
  await expect(log.getByRole("row").nth(1)).toContainText(/Ada.*Member.*DeleteProject.*deleted.*Project/);
  await expect(log.getByRole("row").nth(2)).toContainText(/UpdateProject.*updated metadata.name/);
  await window.check("manage-audit-log");
  await page.getByRole("combobox", { name: "About" }).click();
  await page.getByRole("option", { name: "Runners and classes" }).click();
  await expect(page.getByText("Nothing fits what you look for")).toBeVisible();
  await page.getByRole("button", { name: "Show all" }).click();
  await log.getByRole("row").nth(1).getByRole("button").press("Enter");
  await page.getByRole("menuitem", { name: "Only about the same thing" }).press("Enter");
  await expect(log.getByRole("row")).toHaveCount(4);
  await page.getByLabel("to").fill("2020-01-01");
  await expect(page.getByText("Nothing fits what you look for")).toBeVisible();
  await page.getByLabel("to").fill("");
  await page.getByRole("button", { name: /^Do not look for: Only about Project/ }).click();
  await expect(page.getByRole("button", { name: /^Do not look for/ })).toHaveCount(0);
  await window.close();
});

test("everybody's environments are listed, the newest first", async () => {
  const window = await world.open(browser, "environments");
  const { page } = window;
  await expect(page.getByRole("status").filter({ hasText: `100 of ${many}` })).toBeVisible();
  const table = page.getByRole("table", { name: "Environments" });
  await expect(table.getByRole("row").nth(1)).toContainText(/many-0119.*Running.*Ada.*garage/);
  await window.check("manage-environments");
  await window.close();
});

test("an environment is found among many, stopped, and deleted only when it was agreed to and typed", async () => {
  const window = await world.open(browser, "environments");
  const { page } = window;
  const table = page.getByRole("table", { name: "Environments" });
  await page.getByRole("searchbox").fill("many-0042");
  await expect(table.getByRole("row")).toHaveCount(2);
  const one = table.getByRole("row").nth(1);
  await one.getByRole("button", { name: "Actions: many-0042" }).press("Enter");
  await page.getByRole("menuitem", { name: "Stop" }).press("Enter");
  await expect(one).toContainText("Stopping");
  await one.getByRole("button", { name: "Actions: many-0042" }).click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete many-0042?" });
  await expect(dialog).toContainText("It belongs to Ada.");
  await expect(dialog).toContainText("2 changed files");
  const submit = dialog.getByRole("button", { name: "Delete", exact: true });
  await dialog.getByRole("checkbox", { name: "It may be lost" }).check();
  await expect(submit).toBeDisabled();
  await window.check("manage-environment-delete");
  await dialog.getByLabel("Type many-0042 to confirm").fill("many-0042");
  await submit.press("Enter");
  await expect(page.getByText("many-0042 is being deleted")).toBeVisible();
  await expect(one).toContainText(/Deleting/);
  await window.close();
});
