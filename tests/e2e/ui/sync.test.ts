import { type Browser, expect } from "@playwright/test";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import { EnvironmentPhase } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { SimulatedHost } from "../../support/simulated-host.ts";
import { BrowserWindow, launchBrowser } from "./browser-window.ts";

const host = new SimulatedHost();
let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
  await host.start();
});
afterAll(async () => {
  await browser.close();
  await host.end();
});

test("synced folders are on the environment's page, with conflicts, a question before many deletions, and their end", async () => {
  const environmentId = await host.create("app");
  await host.whenPhase(environmentId, EnvironmentPhase.RUNNING);
  const window = await BrowserWindow.open(browser, host);
  await window.go(`/environments/${environmentId}/overview`);
  await expect(window.page.getByRole("heading", { name: "Git" })).toBeVisible();
  const section = window.page.getByRole("region", { name: "Synced folders" });
  await expect(section).toHaveCount(0);

  const here = join(host.folder, "here");
  const there = join(host.folder, "home/machines/default/copies", environmentId, "app/part");
  for (const [folder, text] of [
    [here, "mine"],
    [there, "theirs"],
  ] as const) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "notes.txt"), text);
    for (let i = 0; i < 30; i++) writeFileSync(join(folder, `${i}.txt`), "same");
  }
  const { sync } = await host.syncs.startSync({ environmentId, localFolder: here, path: "part" });
  await host.syncs.syncNow({ syncId: sync?.syncId ?? "" });
  await expect(section).toContainText("In sync · 32 files");
  await expect(section).toContainText(/notes\.txt: Both sides changed it; this computer's version is notes\.conflict-computer-[\d-]+\.txt/);
  await window.check("synced-folders");

  for (const name of readdirSync(here)) if (!name.startsWith("notes")) rmSync(join(here, name));
  await expect(section).toContainText("Many files were deleted on one side");
  await section.getByRole("button", { name: "Delete them there too" }).click();
  await expect(section).toContainText("In sync · 2 files");
  expect(readdirSync(there)).toHaveLength(2);
  await section.getByRole("button", { name: `Stop syncing: ${here}` }).click();
  await expect(section).toHaveCount(0);
  await window.close();
});
