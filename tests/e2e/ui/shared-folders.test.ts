import { type Browser, expect } from "@playwright/test";
import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
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

test("a folder of this computer is shared, told how it stands, and taken back", async () => {
  const environmentId = await host.create("app");
  await host.whenPhase(environmentId, EnvironmentPhase.RUNNING);
  const window = await BrowserWindow.open(browser, host);
  await window.go(`/environments/${environmentId}/settings`);
  const section = window.page.getByRole("region", { name: "Folders of this computer" });
  const folder = section.getByLabel("Folder to share");
  const share = section.getByRole("button", { name: "Share", exact: true });

  await folder.fill(homedir());
  await share.click();
  await expect(section.getByRole("alert")).toContainText("it holds all that is yours, keys and passwords too");
  const data = join(host.folder, "data");
  mkdirSync(data);
  await folder.fill(data);
  await section.getByRole("checkbox").check();
  await share.click();
  await expect(section.getByRole("alert")).toHaveCount(0);
  await expect(folder).toHaveValue("");
  await expect(section.getByRole("listitem")).toContainText(`${data} → /mnt/host/data`);
  await expect(section.getByRole("listitem")).toContainText("May be changed · comes with the machine's next start");
  await window.check("shared-folders");

  await host.host.stopMachine({});
  await expect(section.getByRole("listitem")).toContainText("comes with the machine's start");
  await host.host.startMachine({});
  await expect(section.getByRole("listitem")).toContainText("May be changed · shared");
  await section.getByRole("button", { name: `Share it no more: ${data}` }).click();
  await expect(section.getByRole("listitem")).toContainText("removed; the machine could still get at it until it is stopped");
  await window.close();
});
