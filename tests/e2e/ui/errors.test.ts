import { type Browser, expect } from "@playwright/test";
import { afterAll, beforeAll, test } from "vitest";
import { type ErrorCode, errorCatalogue } from "../../../src/contract/error-catalogue.ts";
import { EnvironmentPhase } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { errorText } from "../../../src/renderer/i18n/errors.ts";
import { SimulatedHost } from "../../support/simulated-host.ts";
import { BrowserWindow, launchBrowser } from "./browser-window.ts";

const codes = Object.keys(errorCatalogue) as ErrorCode[];
const ids = new Map<ErrorCode, string>();
let browser: Browser;
let host: SimulatedHost;
let window: BrowserWindow;

beforeAll(async () => {
  browser = await launchBrowser();
  host = new SimulatedHost();
  await host.start();
  for (const code of codes) ids.set(code, await host.create(`error-${code}`));
  for (const id of ids.values()) await host.whenPhase(id, EnvironmentPhase.STOPPED);
  window = await BrowserWindow.open(browser, host);
});

afterAll(async () => {
  await window.close();
  await host.end();
  await browser.close();
});

/** The picture of each is `errors/<code>.png` beside the other screenshots. */
test.each(codes)("%s says on screen what did not happen, why and what to try", async (code) => {
  const { title, why, whatToTry } = errorText(code, "en");
  await window.go(`/environments/${ids.get(code)}/overview`);
  const failure = window.page.getByRole("alert");
  await expect(failure).toContainText(title);
  await expect(failure).toContainText(why);
  await expect(failure).toContainText(whatToTry);
  await expect(failure).toContainText("what the machine said about it");
  await window.picture(failure, `errors/${code}`);
});
