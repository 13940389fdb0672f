import { type Browser, expect, type Page } from "@playwright/test";
import { afterAll, afterEach, beforeAll, test } from "vitest";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MachineState } from "../../../src/contract/gen/berth/v1/host_pb.js";
import { hasOwnMachine } from "../../../src/contract/environment-class.ts";
import { EnvironmentPhase } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { SimulatedHost } from "../../support/simulated-host.ts";
import { offerImage } from "../../support/simulated-images.ts";
import { BrowserWindow, launchBrowser } from "./browser-window.ts";

let browser: Browser;
let host: SimulatedHost;
let window: BrowserWindow;
let page: Page;

beforeAll(async () => void (browser = await launchBrowser()));
afterAll(async () => browser.close());

afterEach(async () => {
  await window.close();
  await host.end();
});

async function open(options: Parameters<typeof BrowserWindow.open>[2] = {}, env: NodeJS.ProcessEnv = {}): Promise<void> {
  host = new SimulatedHost(env);
  await host.start();
  window = await BrowserWindow.open(browser, host, options);
  page = window.page;
  await window.go("/machine");
}

async function running(...names: string[]): Promise<void> {
  for (const name of names) await host.whenPhase(await host.create("app", name), EnvironmentPhase.RUNNING);
}

const fact = (name: string) => page.locator("dl > div").filter({ has: page.locator("dt", { hasText: name }) });
const button = (name: string) => page.getByRole("button", { name, exact: true });
const machine = async () => (await host.host.getMachine({})).machine;

test("a machine that was never there is started and shut down by keys alone", async () => {
  await open();
  await expect(page.getByText("There is no machine yet")).toBeVisible();
  await window.check("machine-absent");
  await page.keyboard.press("s");
  await expect(fact("State").first()).toContainText("Machine running");
  await expect(fact("Running for")).toContainText(/0:\d\d/);
  await expect(fact("Acceleration")).toContainText("Simulated");
  // A key does nothing while the call before it is under way, which the button shows.
  await expect(button("Stop")).not.toHaveAttribute("aria-disabled", "true");
  await page.keyboard.press("x");
  await expect(fact("State").first()).toContainText("Machine off");
});

test("a new image that did not come up is told with what can be done, until another one comes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "berth-images-"));
  try {
    offerImage(folder, "first");
    await open({}, { BERTH_SIMULATED_IMAGES: folder });
    await running("api");
    offerImage(folder, "second", { panics: true });
    await host.host.restartMachine({});
    await expect(page.getByText("The machine does not run its newest image")).toBeVisible();
    await expect(page.getByText("berth machine image --retry")).toBeVisible();
    await expect(fact("State").first()).toContainText("Machine running");
    await window.check("machine-image");
    offerImage(folder, "third");
    await host.host.restartMachine({});
    await expect(page.getByText("The machine does not run its newest image")).toHaveCount(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("shutting down names the environments that stop, and a no leaves them alone", async () => {
  await open();
  await running("api", "shop");
  await button("Stop").click();
  const dialog = page.getByRole("dialog", { name: "Shut the machine down?" });
  await expect(dialog.getByRole("listitem")).toHaveText(["api", "shop"]);
  await window.check("machine-stop");
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  expect((await machine())?.state).toBe(MachineState.READY);
  await button("Stop").click();
  await button("Shut down").click();
  await expect(fact("State").first()).toContainText("Machine off");
  await expect(button("Stop")).toHaveAttribute("aria-disabled", "true");
});

test("a machine is suspended with what runs on it, and goes on where it was", async () => {
  await open();
  await running("api");
  const bootId = (await machine())?.bootId;
  await button("Suspend").click();
  await expect(fact("State").first()).toContainText("Machine suspended");
  await expect(button("Suspend")).toHaveAttribute("aria-disabled", "true");
  await window.check("machine-suspended");
  const [environment] = (await host.environments.listEnvironments({})).environments;
  expect(environment?.status?.phase).toBe(EnvironmentPhase.RUNNING);
  // It goes on with the size it has.
  await page.getByRole("slider", { name: "Memory", exact: true }).focus();
  await page.keyboard.press("ArrowLeft");
  await expect(page.getByText("1 environment stops meanwhile and comes up again by itself.")).toBeVisible();
  await button("Discard").click();
  await button("Start").click();
  await expect(fact("State").first()).toContainText("Machine running");
  expect((await machine())?.bootId).toBe(bootId);
});

test("a larger disk needs no restart of a machine that runs", async () => {
  await open();
  await running("api");
  const before = (await machine())?.dataDiskLimitBytes ?? 0n;
  const bootId = (await machine())?.bootId;
  await page.getByRole("slider", { name: "Disk" }).focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByText("The disk grows at once, and nothing stops.")).toBeVisible();
  await button("Save").click();
  await expect.poll(async () => (await machine())?.dataDiskLimitBytes).toBe(before + 16n * 1024n ** 3n);
  await expect(page.getByText("A new size waits for a restart")).toHaveCount(0);
  expect((await machine())?.bootId).toBe(bootId);
});

test("a new size says what it costs, and counts after a restart that brings everything back", async () => {
  await open();
  await running("api");
  const before = (await machine())?.memoryBytes ?? 0n;
  const bootId = (await machine())?.bootId;
  const memory = page.getByRole("slider", { name: "Memory", exact: true });
  await memory.focus();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await expect(page.getByText("1 environment stops meanwhile and comes up again by itself.")).toBeVisible();
  await window.check("machine-size");
  await button("Save").click();
  await expect(page.getByText("A new size waits for a restart")).toBeVisible();
  expect((await machine())?.memoryBytes).toBe(before);
  await button("Restart now").click();
  await page.getByRole("dialog").getByRole("button", { name: "Restart" }).click();
  await expect.poll(async () => (await machine())?.bootId).not.toBe(bootId);
  await expect.poll(async () => (await machine())?.memoryBytes).toBe(before - 1024n ** 3n);
  await expect(page.getByText("A new size waits for a restart")).toHaveCount(0);
  const [environment] = (await host.environments.listEnvironments({})).environments;
  await host.whenPhase(environment?.id ?? "", EnvironmentPhase.RUNNING);
  await button("Use Berth's choice").click();
  await button("Save and restart now").click();
  await expect.poll(async () => (await machine())?.memoryBytes).toBe(before);
});

test("the disk's bill tells whose it is, and what can be freed is freed", async () => {
  await open();
  await expect(page.getByText("Start it to see the bill.")).toBeVisible();
  await running("api", "shop");
  await button("Measure again").click();
  const bill = page.getByRole("table");
  await expect(bill.getByRole("row", { name: /^api/ })).toContainText("620 MB");
  await expect(bill.getByRole("row", { name: /^Build cache/ })).toContainText("1.5 GB");
  await button("Reclaim space").click();
  const dialog = page.getByRole("dialog", { name: "Reclaim space?" });
  await expect(dialog).toContainText("Working copies, volumes and containers stay.");
  await dialog.getByRole("button", { name: "Reclaim space" }).click();
  await expect(page.getByText(/1\.5 GB were freed/)).toBeVisible();
  await expect(bill.getByRole("row", { name: /^Build cache/ })).toContainText("0 B");
  await window.check("machine");
});

test("the console is followed and copied", async () => {
  await open();
  const text = page.getByRole("region", { name: "Text of the console" });
  await expect(page.getByText("It has said nothing yet.")).toBeVisible();
  await button("Start").click();
  await expect(text).toContainText("simulated: the agent is up");
  await button("Copy").click();
  expect(await page.evaluate(async () => navigator.clipboard.readText())).toContain("the agent is up");
});

test("a reset needs the name of every environment, and then nothing is left", async () => {
  await open();
  await running("api");
  await host.whenPhase(await host.create("dirty"), EnvironmentPhase.RUNNING);
  await button("Reset the machine").click();
  const dialog = page.getByRole("dialog", { name: "Reset the machine?" });
  await expect(dialog).toContainText("3 changed files, 2 unpushed commits");
  await dialog.getByRole("textbox").fill("api");
  await expect(dialog).toContainText("1 name is missing.");
  await window.check("machine-reset");
  await dialog.getByRole("button", { name: "Delete everything" }).click({ force: true });
  await page.keyboard.press("Enter");
  expect((await host.environments.listEnvironments({})).environments).toHaveLength(2);
  await dialog.getByRole("textbox").fill("api, dirty");
  await page.keyboard.press("Enter");
  await expect(page.getByText("The machine was reset")).toBeVisible();
  expect((await host.environments.listEnvironments({})).environments).toEqual([]);
  await expect(page.getByText("There is no machine yet")).toBeVisible();
});

test("a slow computer is told with what to do about it", async () => {
  await open({}, { BERTH_SIMULATE: "slow" });
  await expect(page.getByText("The machine is slower than it could be")).toBeVisible();
  await button("Copy the command").click();
  expect(await page.evaluate(async () => navigator.clipboard.readText())).toBe("sudo usermod -aG kvm $USER");
  await window.check("machine-slow");
});

test("what was on screen stays when the host is gone, and nothing can be pressed", async () => {
  await open();
  await running("api");
  await expect(page.getByRole("table")).toContainText("api");
  await host.kill();
  await expect(page.getByRole("alert")).toContainText("Berth does not answer");
  await expect(page.getByRole("table")).toContainText("api");
  for (const name of ["Stop", "Restart", "Reclaim space", "Reset the machine"])
    await expect(button(name)).toHaveAttribute("aria-disabled", "true");
  await window.check("machine-offline");
});

test("it speaks German", async () => {
  await open({ locale: "de-DE" });
  await running("api");
  await expect(page.getByRole("heading", { level: 1, name: "Maschine" })).toBeVisible();
  await button("Neu messen").click();
  await expect(page.getByRole("table")).toContainText("Arbeitskopie");
  await window.check("machine-german");
});

test("machines that environments have to themselves are told, suspended, started and stopped one by one", async () => {
  await open({}, { BERTH_SIMULATE: "memory-32g" });
  const { environmentClasses } = await host.environments.listEnvironmentClasses({});
  const own = environmentClasses.find(hasOwnMachine)?.id ?? "";
  for (const name of ["alpha", "beta"]) await host.whenPhase(await host.create("app", name, own), EnvironmentPhase.RUNNING);
  const row = (name: string) => page.getByRole("listitem").filter({ has: page.getByRole("link", { name, exact: true }) });
  await expect(row("alpha")).toContainText("Machine running");
  await expect(row("alpha")).toContainText("2 processors, 2 GB of memory");
  await expect(row("alpha")).toContainText("on this computer's disk");
  await page.getByRole("heading", { name: "Own machines" }).scrollIntoViewIfNeeded();
  await page.getByRole("slider", { name: "Memory of each" }).scrollIntoViewIfNeeded();
  await window.check("machine-own");
  await button("Suspend the machine of alpha").click();
  await expect(row("alpha")).toContainText("Machine suspended");
  await expect(row("beta")).toContainText("Machine running");
  await button("Start the machine of alpha").click();
  await expect(row("alpha")).toContainText("Machine running");
  await button("Stop the machine of beta").click();
  await expect(page.getByRole("dialog")).toContainText("beta");
  await page.getByRole("dialog").getByRole("button", { name: "Shut down" }).click();
  await expect(row("beta")).toContainText("Machine off");
  // Neither needed the shared machine.
  await expect(page.getByText("There is no machine yet")).toBeVisible();
});

test("how big own machines are is chosen beside the list of them", async () => {
  await open({ locale: "de-DE" }, { BERTH_SIMULATE: "memory-32g" });
  const memory = page.getByRole("slider", { name: "Arbeitsspeicher je Maschine" });
  await memory.focus();
  await page.keyboard.press("ArrowRight");
  await button("Speichern").click();
  await expect.poll(async () => (await host.settings.getSettings({})).settings?.dedicatedMemoryBytes).toBe(BigInt(2.5 * 1024 ** 3));
  await expect(page.getByText("Keine Umgebung hat eine eigene Maschine.")).toBeVisible();
});
