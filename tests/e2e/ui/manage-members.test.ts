import type { Browser } from "@playwright/test";
import { afterAll, beforeAll, test } from "vitest";
import { launchBrowser } from "./browser-window.ts";
import { expect, ManageWorld } from "./manage-world.ts";

const many = 240;

let browser: Browser;
let world: ManageWorld;
let memberToken = "";

beforeAll(async () => {
  browser = await launchBrowser();
  world = new ManageWorld();
  await world.start();
  const [yan] = await world.plane.addMembers("Yan", "Robin", "Zoe");
  memberToken = yan?.token ?? "";
  await world.plane.addMembers(...Array.from({ length: many }, (_, n) => `Many ${String(n).padStart(3, "0")}`));
});

afterAll(async () => {
  await world.end();
  await browser.close();
});

test("members are listed, the next ones as one comes to the end", async () => {
  const window = await world.open(browser, "members");
  const { page } = window;
  const table = page.getByRole("table", { name: "Members" });
  await expect(table.getByRole("row").nth(1)).toContainText("Ada (you)");
  await expect(page.getByRole("status").filter({ hasText: "100 of 244" })).toBeVisible();
  await window.check("manage-members");

  // The next pages come as one comes to the end.
  await table.getByRole("rowgroup").last().focus();
  await expect(async () => {
    await page.keyboard.press("End");
    await expect(table.getByRole("row").filter({ hasText: "Zoe" })).toBeVisible({ timeout: 500 });
  }).toPass();
  await expect(page.getByRole("status").filter({ hasText: "244 in all" })).toBeVisible();
  await window.close();
});

test("a member is found among many, and made an administrator", async () => {
  const window = await world.open(browser, "members");
  const { page } = window;
  const table = page.getByRole("table", { name: "Members" });
  await page.getByRole("searchbox").fill("robin@");
  await expect(table.getByRole("row")).toHaveCount(2);
  const robin = table.getByRole("row").nth(1);
  await robin.getByRole("button", { name: "Actions: Robin" }).press("Enter");
  await page.getByRole("menuitem", { name: "Make administrator…" }).press("Enter");
  await page
    .getByRole("dialog", { name: "Make Robin an administrator?" })
    .getByRole("button", { name: "Make administrator" })
    .press("Enter");
  await expect(robin).toContainText("Administrator");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await window.close();
});

test("a member is suspended, and removed by who knows what is lost", async () => {
  const window = await world.open(browser, "members");
  const { page } = window;
  const table = page.getByRole("table", { name: "Members" });
  await page.getByRole("searchbox").fill("zoe");
  const zoe = table.getByRole("row").filter({ hasText: "zoe@example.com" });
  await zoe.getByRole("button", { name: "Actions: Zoe" }).click();
  await page.getByRole("menuitem", { name: "Suspend…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Suspend" }).click();
  await expect(page.getByText("Nothing fits what you look for")).toBeVisible();
  await page.getByRole("button", { name: "Show all" }).click();
  await page.getByRole("searchbox").fill("zoe");
  await expect(zoe).toContainText("Suspended");
  await zoe.getByRole("button", { name: "Actions: Zoe" }).click();
  await page.getByRole("menuitem", { name: "Remove…" }).click();
  const dialog = page.getByRole("dialog", { name: "Remove Zoe from the organization?" });
  await expect(dialog).toContainText("They have no environments.");
  await window.check("manage-members-remove");
  await expect(dialog.getByRole("button", { name: "Remove", exact: true })).toBeDisabled();
  await dialog.getByRole("checkbox", { name: "Remove Zoe" }).check();
  await dialog.getByRole("button", { name: "Remove", exact: true }).click();
  await expect(dialog).toHaveCount(0);
  await expect(zoe).toHaveCount(0);
  await window.close();
});

test("an invite is copied, and another one ends it", async () => {
  const window = await world.open(browser, "members");
  const { page } = window;
  await page.getByRole("button", { name: "Invite" }).click();
  const dialog = page.getByRole("dialog", { name: "Invite people" });
  await dialog.getByRole("button", { name: "Copy: Invite" }).click();
  const first = await page.evaluate(async () => navigator.clipboard.readText());
  expect(first).toMatch(/^[\da-f-]{36}$/);
  await window.check("manage-invite");
  await dialog.getByRole("button", { name: "Make a new one" }).click();
  await expect(dialog.getByText(first)).toHaveCount(0);
  await dialog.getByRole("button", { name: "Done" }).click();
  await window.close();
});

test("a member is told in German what they may not do, and while the plane is away what was there stays, with the reason", async () => {
  const contextId = await world.signIn("mine", memberToken);
  const window = await world.open(browser, "members", { contextId, locale: "de-DE" });
  const { page } = window;
  const table = page.getByRole("table", { name: "Mitglieder" });
  await expect(page.getByText("Was deine Rollen nicht umfassen, lehnt die Verwaltung ab.")).toBeVisible();
  await page.getByRole("button", { name: "Einladen" }).click();
  await expect(page.getByRole("dialog").getByRole("alert")).toContainText("Du darfst das nicht");
  await page.keyboard.press("Escape");
  await page.getByRole("searchbox").fill("yan");
  await expect(table).toContainText("Yan (du)");

  await world.plane.kill();
  await page.getByRole("searchbox").fill("ada");
  await expect(page.getByText("Du siehst den letzten bekannten Stand.")).toBeVisible();
  await window.check("manage-members-stale");
  await window.go("/environments");
  await window.go(`/manage/${contextId}/members`);
  await expect(page.getByRole("alert").getByRole("heading", { name: "Die Verwaltung ist nicht erreichbar" })).toBeVisible();
  await world.plane.startAgain();
  await page.getByRole("button", { name: "Erneut versuchen" }).click();
  await expect(table).toContainText("Ada");
  await window.close();
});
