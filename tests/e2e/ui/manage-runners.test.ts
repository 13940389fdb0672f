import type { Browser } from "@playwright/test";
import { afterAll, beforeAll, test } from "vitest";
import type { SizeBounds } from "../../../src/host/runner/class-machine.ts";
import type { MachineSize } from "../../../src/host/settings.ts";
import { startAnsweringRunner } from "./answering-runner.ts";
import { launchBrowser } from "./browser-window.ts";
import { expect, ManageWorld } from "./manage-world.ts";

const gib = 1024 ** 3;
const size = (cpus: number, memoryGib: number, diskGib: number): MachineSize => ({
  cpus,
  memoryBytes: memoryGib * gib,
  dataDiskLimitBytes: diskGib * gib,
});
const bounds: SizeBounds = { least: size(1, 1, 10), greatest: size(4, 16, 500) };

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

test("a runner is added with its command and its token, which is shown once", async () => {
  const window = await world.open(browser, "runners");
  const { page } = window;
  await expect(page.getByRole("heading", { name: "There is no runner yet" })).toBeVisible();
  await page.getByRole("button", { name: "Add a runner" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("cellar");
  await page.keyboard.press("Enter");
  const setUp = page.getByRole("dialog", { name: "Set up cellar" });
  await expect(setUp).toContainText(`sudo berth runner setup --plane ${world.plane.url} --exchange-token-file -`);
  await setUp.getByRole("button", { name: "Copy: Exchange token" }).click();
  const token = await page.evaluate(async () => navigator.clipboard.readText());
  expect(token.length).toBeGreaterThan(20);
  await window.check("manage-runner-set-up");
  await setUp.getByRole("button", { name: "Done" }).click();
  // It is nowhere to be seen again.
  await expect(page.getByText(token)).toHaveCount(0);
  await window.close();
});

test("a runner is renamed, and given another token", async () => {
  const window = await world.open(browser, "runners");
  const { page } = window;
  const table = page.getByRole("table", { name: "Runners" });
  const cellar = table.getByRole("row").nth(1);
  await expect(cellar).toContainText("Not set up yet");
  await cellar.getByRole("button", { name: "Actions: cellar" }).press("Enter");
  await page.getByRole("menuitem", { name: "Rename…" }).press("Enter");
  await page.getByRole("dialog").getByLabel("Name").fill("attic");
  await page.keyboard.press("Enter");
  await expect(cellar).toContainText("attic");

  await cellar.getByRole("button", { name: "Actions: attic" }).click();
  await page.getByRole("menuitem", { name: "New token…" }).click();
  await page.getByRole("dialog", { name: "Make a new token for attic?" }).getByRole("button", { name: "Make a token" }).click();
  await expect(page.getByRole("dialog", { name: "Set up attic" })).toContainText("sudo berth runner setup");
  await window.close();
});

test("a class is added to a runner, taken out of the offer, and renamed", async () => {
  const window = await world.open(browser, "runners");
  const { page } = window;
  const cellar = page.getByRole("table", { name: "Runners" }).getByRole("row").nth(1);

  await cellar.getByRole("button", { name: "Actions: attic" }).click();
  await page.getByRole("menuitem", { name: "Show classes" }).click();
  await page.getByRole("button", { name: "Add a class" }).click();
  const dialog = page.getByRole("dialog", { name: "Add a class" });
  await dialog.getByRole("textbox", { name: "Name" }).fill("Large");
  await dialog.getByLabel("Description").fill("For big builds");
  await dialog.getByLabel("Processors").fill("16");
  await dialog.getByLabel("Memory in GiB").fill("64");
  await window.check("manage-class-add");
  await dialog.getByRole("button", { name: "Add a class" }).click();
  const large = page.getByRole("table", { name: "Classes" }).getByRole("row").nth(1);
  await expect(large).toContainText(/Large.*For big builds.*attic.*16 processors, 64 GB.*a machine of its own/);
  // What a headless runner reads; it refuses a class of any other field.
  expect(await world.plane.classConfiguration("Large")).toEqual({ machine: "own", cpus: "16", memory_gib: "64" });
  await large.getByRole("checkbox", { name: "Enabled: Large" }).click();
  await expect(page.getByText("Large cannot be chosen any more")).toBeVisible();
  await expect(large.getByRole("checkbox")).not.toBeChecked();
  await large.getByRole("button", { name: "Rename: Large" }).click();
  await page.getByRole("dialog").getByRole("textbox", { name: "Name" }).fill("Huge");
  await page.keyboard.press("Enter");
  await expect(large).toContainText("Huge");
  await window.check("manage-classes");
  await window.close();
});

test("a class that its runner cannot give is refused with the runner's reason, and one that it can is added", async () => {
  const runner = await startAnsweringRunner(world.plane, { name: "barn", bounds });
  const window = await world.open(browser, "classes");
  const { page } = window;
  await page.getByRole("button", { name: "Add a class" }).click();
  const dialog = page.getByRole("dialog", { name: "Add a class" });
  await dialog.getByRole("textbox", { name: "Name" }).fill("Gigantic");
  await dialog.getByLabel("Description").fill("More than there is");
  await dialog.getByRole("combobox", { name: "Runner" }).click();
  await page.getByRole("option", { name: "barn" }).click();
  await dialog.getByLabel("Processors").fill("64");
  await dialog.getByLabel("Disk in GiB").fill("100");
  await dialog.getByRole("button", { name: "Add a class" }).click();
  await expect(dialog).toContainText("The class was not added");
  await expect(dialog.getByText("'64' is no number from 1 to 4, which this computer has")).toBeInViewport();
  await window.check("manage-class-unfit");
  await dialog.getByLabel("Processors").fill("4");
  await dialog.getByRole("button", { name: "Add a class" }).click();
  await expect(page.getByRole("table", { name: "Classes" }).getByRole("row").filter({ hasText: "Gigantic" })).toContainText("barn");
  expect(await world.plane.classConfiguration("Gigantic")).toEqual({ machine: "own", cpus: "4", memory_gib: "8", disk_gib: "100" });
  await window.close();
  await runner.stop();
});

test("a runner that is degraded says why, and one with environments is deleted only when it is agreed to", async () => {
  const runnerId = await world.plane.addRunner("garage", "Only 1.2 GiB of disk are free");
  await world.plane.addOn(runnerId, "first", "second");
  const window = await world.open(browser, "runners");
  const { page } = window;
  const garage = page.getByRole("table", { name: "Runners" }).getByRole("row").filter({ hasText: "garage" });
  await expect(garage).toContainText(/Degraded.*Only 1.2 GiB of disk are free.*0.1.0.*2/);
  await window.check("manage-runners");
  await garage.getByRole("button", { name: "Actions: garage" }).click();
  await page.getByRole("menuitem", { name: "Details…" }).click();
  await expect(page.getByRole("dialog", { name: "Runner garage" })).toContainText("Only 1.2 GiB of disk are free");
  await page.keyboard.press("Escape");
  await garage.getByRole("button", { name: "Actions: garage" }).click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete garage?" });
  await expect(dialog).toContainText("2 environments are on it");
  await expect(dialog.getByRole("button", { name: "Delete", exact: true })).toBeDisabled();
  await window.check("manage-runner-delete");
  await dialog.getByRole("checkbox").check();
  await dialog.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(garage).toHaveCount(0);
  await window.close();
});
