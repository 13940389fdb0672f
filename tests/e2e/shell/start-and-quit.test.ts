import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EnvironmentPhase } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { DesktopHome } from "./desktop-app.ts";

let home: DesktopHome;
beforeEach(() => void (home = new DesktopHome()));
afterEach(async () => home.end());

test("a second start hands its link over and shows a question, and nothing is cloned", async () => {
  const app = await home.launch();
  const page = await app.page();
  await app.hostPid();
  const link = `berth://new?url=${encodeURIComponent("https://simulated.test/web.git")}`;
  const second = home.start(["--no-sandbox", "--user-data-dir=/tmp/elsewhere", link]);
  expect(await second.exited).toBe(0);
  await page.waitForURL("**/new?url=https%3A%2F%2Fsimulated.test%2Fweb.git*");
  expect(await app.list()).toEqual([]);
  for (const evil of ["berth://new?url=file%3A%2F%2F%2Fetc%2Fpasswd", "berth://delete/all", "--berth://new"]) {
    await home.start([evil]).exited;
  }
  expect(page.url()).toContain("web.git");
  expect(await app.list()).toEqual([]);
});

test("a link that starts the app leads to its environment; on a Mac it comes as an event", async () => {
  const id = "0195d1f2-0000-7000-8000-00000000abcd";
  const app = await home.launch(`berth://open/${id}`);
  const page = await app.page();
  await page.waitForURL(`**/environments/${id}/overview`);
  await app.command({ kind: "emit", target: "app", event: "open-url", args: ["berth://new?url=https%3A%2F%2Fsimulated.test%2Fx"] });
  await page.waitForURL("**/new?url=https%3A%2F%2Fsimulated.test%2Fx*");
});

test.each([
  ["Suspend Environments", EnvironmentPhase.RUNNING],
  ["Stop Environments", EnvironmentPhase.STOPPED],
])("quitting with '%s' leaves them so for the next start", async (choice, phase) => {
  const app = await home.launch();
  await app.page();
  const pid = await app.hostPid();
  const id = await app.create("web");
  await app.whenPhase(id, EnvironmentPhase.RUNNING);
  await app.when(({ tray }) => tray.some((item) => typeof item === "object" && item.label === "Quit"));
  await app.click("tray", "Quit", choice);
  expect(await app.runner.exited).toBe(0);
  expect(() => process.kill(pid, 0)).toThrow();
  const again = await home.launch();
  await again.hostPid();
  await again.whenPhase(id, phase);
});

test("quitting while something runs asks, and may be thought better of", async () => {
  const app = await home.launch();
  await app.page();
  await app.hostPid();
  await app.whenPhase(await app.create("web"), EnvironmentPhase.RUNNING);
  await app.when(({ tray }) => tray.some((item) => typeof item === "object" && item.label === "Quit"));
  await app.click("application", "File", "Quit Berth");
  const asked = await app.when(({ dialogs }) => dialogs.length === 1);
  expect(JSON.stringify(asked.dialogs)).toContain("Leave Environments Running");
  await app.command({ kind: "answer-dialog", value: { response: 3, checkboxChecked: false } });
  await app.when(({ windows, dialogs }) => windows.length === 1 && dialogs.length === 0);
  await app.click("application", "File", "Quit Berth");
  await app.when(({ dialogs }) => dialogs.length === 1);
  await app.command({ kind: "answer-dialog", value: { response: 1, checkboxChecked: true } });
  expect(await app.runner.exited).toBe(0);
  expect(readFileSync(join(home.folder, "home/desktop/desktop.json"), "utf8")).toContain('"onQuit": "leave"');
});
