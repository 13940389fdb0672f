import { type Browser, expect, type Page } from "@playwright/test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, test } from "vitest";
import { SimulatedHost } from "../../support/simulated-host.ts";
import { BrowserWindow, launchBrowser } from "./browser-window.ts";

let browser: Browser;
let host: SimulatedHost;
let window: BrowserWindow;
let page: Page;

beforeAll(async () => void (browser = await launchBrowser()));
afterAll(async () => browser.close());

beforeEach(async () => {
  host = new SimulatedHost();
  host.env["GIT_CONFIG_GLOBAL"] = join(host.folder, "gitconfig");
  await host.start();
});

afterEach(async () => {
  await window.close();
  await host.end();
});

async function open(options: Parameters<typeof BrowserWindow.open>[2] = {}): Promise<void> {
  window = await BrowserWindow.open(browser, host, options);
  page = window.page;
  await window.go("/settings");
}

const part = (title: string) => page.getByRole("region", { name: title, exact: true });
const dialog = () => page.getByRole("dialog");

async function choose(label: string, option: string): Promise<void> {
  await page.getByRole("combobox", { name: label }).click();
  await page.getByRole("option", { name: option, exact: true }).click();
}

test("looks change at once and are still so after a reload", async () => {
  await open();
  await window.check("settings");
  const html = page.locator("html");
  await choose("Theme", "Dark");
  await expect(html).toHaveAttribute("data-theme", "dark");
  await choose("Contrast", "High");
  await choose("Motion", "Reduced");
  await choose("Density", "Compact");
  await choose("Default editor", "Zed");
  await window.check("settings-high-contrast");
  await choose("Language", "Deutsch");
  await expect(page.getByRole("heading", { level: 1, name: "Einstellungen" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { level: 1, name: "Einstellungen" })).toBeVisible();
  for (const [name, value] of [
    ["data-theme", "dark"],
    ["data-contrast", "more"],
    ["data-motion", "less"],
    ["data-density", "compact"],
    ["lang", "de"],
  ] as const)
    await expect(html).toHaveAttribute(name, value);
  await expect(page.getByRole("combobox", { name: "Standardeditor" })).toContainText("Zed");
  await window.check("settings-german");
});

test("who commits is taken from what is set here, in new environments", async () => {
  await open();
  await expect(part("Git identity")).toContainText("git on this computer has none either");
  await page.getByLabel("Name", { exact: true }).fill("Ada Lovelace");
  await page.getByLabel("E-mail").fill("no address");
  await expect(part("Git identity").getByRole("alert")).toHaveText("This is no e-mail address.");
  await page.getByLabel("E-mail").fill("ada@example.org");
  await page.keyboard.press("Enter");
  await expect(page.getByText("Saved")).toBeVisible();
  const id = await host.create("app");
  const { environment } = await host.environments.getEnvironment({ environmentId: id });
  expect(environment?.spec?.content).toMatchObject({ gitUsername: "Ada Lovelace", gitEmail: "ada@example.org" });
});

test("a proxy is kept without showing its password, and one that cannot be is refused with the reason", async () => {
  await open();
  const network = part("Network");
  await choose("Proxy", "Set here");
  await network.getByLabel("For https").fill("http://ada:s3cret@127.0.0.1:3128");
  await network.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText(/own loopback, which the machine cannot reach/)).toBeVisible();
  await network.getByLabel("For https").fill("http://ada:s3cret@proxy.example:3128");
  await network.getByLabel("Without proxy").fill("intra.example");
  await network.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved")).toBeVisible();
  await expect(network.getByLabel("For https")).toHaveValue("http://***@proxy.example:3128");
  await window.check("settings-network");
  await page.reload();
  await expect(network.getByLabel("For https")).toHaveValue("http://***@proxy.example:3128");
  await network.getByLabel("Certificates to trust").fill("/nowhere/ca.pem");
  await network.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText(/\/nowhere\/ca\.pem: ENOENT/)).toBeVisible();
  expect((await host.settings.getSettings({})).settings?.network).toMatchObject({ noProxy: "intra.example", caCertificateFiles: [] });
});

test("how long the machine idles is kept by the host", async () => {
  await open();
  await choose("Suspend it with what runs on it when nobody has used it for", "30 minutes");
  await expect.poll(async () => (await host.settings.getSettings({})).settings?.machineUnusedMinutes).toBe(30);
  await choose("Suspend it when nothing has run on it for", "Never");
  await expect.poll(async () => (await host.settings.getSettings({})).settings?.machineIdleMinutes).toBe(0);
  await host.kill();
  await host.start();
  expect((await host.settings.getSettings({})).settings?.machineIdleMinutes).toBe(0);
});

test("a token is kept for its host, replaced, and removed, and never shown", async () => {
  await open();
  await expect(part("Access to repositories")).toContainText("No tokens.");
  await page.getByRole("button", { name: "Add a token" }).click();
  await dialog().getByLabel("Host", { exact: true }).fill("not a host");
  await expect(dialog().getByRole("alert")).toHaveText("This is no host's name.");
  await dialog().getByLabel("Host", { exact: true }).fill("https://github.com/acme/app");
  await expect(dialog().getByRole("link", { name: "github.com" })).toHaveAttribute("href", /^https:\/\/github\.com\/settings/);
  await dialog().getByLabel("Token", { exact: true }).fill("ghp_first-secret");
  await window.check("settings-token");
  await dialog().getByRole("button", { name: "Add" }).click();
  await expect(dialog()).toHaveCount(0);
  await expect(part("Access to repositories").getByRole("listitem")).toContainText("github.com");
  await page.getByRole("button", { name: "Add a token" }).click();
  await dialog().getByLabel("Host", { exact: true }).fill("github.com");
  await expect(dialog()).toContainText("Replaces the token of github.com");
  await dialog().getByLabel("Token", { exact: true }).fill("ghp_second-secret");
  await dialog().getByRole("button", { name: "Add" }).click();
  await expect(part("Access to repositories").getByRole("listitem")).toHaveCount(1);
  expect((await host.runnerConfiguration.listHostAuthenticationTokens({})).tokens.map((t) => t.host)).toEqual(["github.com"]);
  expect(await page.content()).not.toMatch(/ghp_(first|second)/);
  await page.getByRole("button", { name: "Remove: github.com" }).click();
  await dialog().getByRole("button", { name: "Remove" }).click();
  await expect(part("Access to repositories")).toContainText("No tokens.");
  expect((await host.runnerConfiguration.listHostAuthenticationTokens({})).tokens).toEqual([]);
});

test("a registry's password is kept as the API has it", async () => {
  await open();
  await page.getByRole("button", { name: "Add a registry" }).click();
  await dialog().getByLabel("Registry").fill("registry.example.org:5000");
  await dialog().getByLabel("User name").fill("ada");
  await dialog().getByLabel("Password or token").fill("pass word");
  await window.check("settings-registry");
  await dialog().getByRole("button", { name: "Add" }).click();
  await expect(part("Access to image registries").getByRole("listitem")).toContainText("registry.example.org:5000");
  const [secret] = (await host.secrets.listSecrets({})).secrets;
  expect(secret?.mount).toEqual({ case: "containerRegistryBasicAuthHost", value: "registry.example.org:5000" });
  await expect(part("Secrets")).toContainText("No secrets.");
});

test("a secret is added, replaced and removed; its value is dots and in no page", async () => {
  await open();
  await page.getByRole("button", { name: "Add a secret" }).click();
  await dialog().getByLabel("Name", { exact: true }).fill("1X");
  await expect(dialog().getByRole("alert")).toContainText("no digit at the beginning");
  await dialog().getByLabel("Name", { exact: true }).fill("API_KEY");
  const value = dialog().getByLabel("Value", { exact: true });
  await value.fill("first\nline two");
  expect(await value.evaluate((element) => getComputedStyle(element).getPropertyValue("-webkit-text-security"))).toBe("disc");
  await window.check("settings-secret");
  await dialog().getByRole("button", { name: "Add" }).click();
  await expect(part("Secrets").getByRole("listitem")).toContainText("API_KEY");
  await window.check("settings-secrets");
  await page.getByRole("button", { name: "Replace: API_KEY" }).click();
  await expect(dialog().getByLabel("Value", { exact: true })).toHaveValue("");
  await dialog().getByLabel("Value", { exact: true }).fill("second");
  await dialog().getByRole("button", { name: "Replace" }).click();
  await expect(page.getByText("API_KEY was replaced")).toBeVisible();
  await page.getByRole("button", { name: "Add a secret" }).click();
  await dialog().getByLabel("Name", { exact: true }).fill("API_KEY");
  await expect(dialog().getByRole("alert")).toHaveText("There is a secret of this name already.");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Remove: API_KEY" }).click();
  await dialog().getByRole("button", { name: "Remove" }).click();
  await expect(part("Secrets")).toContainText("No secrets.");
  expect((await host.secrets.listSecrets({})).secrets).toEqual([]);
  expect(readFileSync(join(host.folder, "home", "logs", "host.log"), "utf8")).not.toContain("line two");
});

test("the keyboard gets to every part through the palette", async () => {
  await open();
  await expect(part("Secrets")).toContainText("No secrets.");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("settings: secrets");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Add a secret" })).toBeFocused();
});

test("what only the app has is shown only in the app, and told to it", async () => {
  await open();
  await expect(part("This app")).toHaveCount(0);
  await page.addInitScript(fakeApp);
  await page.reload();
  await page.getByLabel("Start when I sign in to this computer").check();
  await page.getByRole("button", { name: "Change" }).click();
  await page.keyboard.press("Control+Alt+b");
  await expect(part("This app")).toContainText("Ctrl+Alt+B");
  await choose("Updates", "Beta versions too");
  await window.check("settings-app");
  expect(await page.evaluate(() => Reflect.get(globalThis, "told"))).toEqual([
    { launchAtLogin: true },
    { globalShortcut: "Ctrl+Alt+B" },
    { updateChannel: "beta" },
  ]);
});

/** The part of the app's bridge that the settings use; runs in the page. */
function fakeApp(): void {
  let state = {
    host: { phase: "running", recentEnds: 0, message: "" },
    update: { phase: "idle", version: "", message: "" },
    window: { focused: true, maximized: false, fullScreen: false },
    warning: "",
    settings: {
      theme: "system",
      launchAtLogin: false,
      globalShortcut: "",
      onQuit: "ask",
      keepInTray: true,
      notifyReady: true,
      notifyFailed: true,
      notifyPorts: true,
      updateChannel: "stable",
      updateFeed: "",
    },
  };
  const told: object[] = [];
  let listener: (state: unknown) => void = () => undefined;
  const berthDesktop = {
    version: "0.1.0",
    platform: "linux",
    onNavigate: () => () => undefined,
    getState: async () => state,
    onState: (next: typeof listener) => {
      listener = next;
      return () => undefined;
    },
    changeSettings: async (change: object) => {
      told.push(change);
      state = { ...state, settings: { ...state.settings, ...change } };
      listener(state);
      return state;
    },
    checkForUpdate: async () => undefined,
    installUpdate: async () => undefined,
  };
  Object.assign(globalThis, { told, berthDesktop });
}
