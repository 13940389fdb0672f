import type { Browser } from "@playwright/test";
import { afterAll, beforeAll, test } from "vitest";
import { launchBrowser } from "./browser-window.ts";
import { expect, ManageWorld } from "./manage-world.ts";

let browser: Browser;
let world: ManageWorld;

beforeAll(async () => {
  browser = await launchBrowser();
  world = new ManageWorld();
  await world.start();
});

afterAll(async () => {
  await world.end();
  await browser.close();
});

test("policies say what they do, take limits that there can be, and are still so when one comes back", async () => {
  const window = await world.open(browser, "policies");
  const { page } = window;
  const save = page.getByRole("button", { name: "Save" });
  await expect(page.getByRole("checkbox", { name: "Members may make projects" })).toBeChecked();
  await expect(save).toBeDisabled();
  const lifetime = page.getByLabel("Longest life of an environment");
  await lifetime.fill("500");
  await expect(page.getByText("0 for no limit, else a whole number from 1 to 180")).toBeVisible();
  await expect(save).toBeDisabled();
  await window.check("manage-policies");
  await lifetime.fill("90");
  await page.getByLabel("Environments of one person", { exact: true }).fill("12");
  await page.getByRole("checkbox", { name: "Members may make projects" }).uncheck();
  await save.press("Enter");
  await expect(page.getByText("Saved")).toBeVisible();
  await expect(save).toBeDisabled();
  await window.go("/settings");
  await window.go(`/manage/${world.contextId}/policies`);
  await expect(lifetime).toHaveValue("90");
  await expect(page.getByLabel("Environments of one person", { exact: true })).toHaveValue("12");
  await expect(page.getByRole("checkbox", { name: "Members may make projects" })).not.toBeChecked();
  await window.close();
});
