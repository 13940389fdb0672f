import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EnvironmentPhase } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import type {} from "../../../src/contract/desktop-bridge.ts";
import { DesktopHome } from "./desktop-app.ts";

let home: DesktopHome;
beforeEach(() => void (home = new DesktopHome()));
afterEach(async () => home.end());

test("the window opens on the environments and hears of one that is made elsewhere", async () => {
  const app = await home.launch();
  const page = await app.page();
  await app.when(({ windows }) => windows[0]?.visible === true);
  expect(new URL(page.url()).pathname).toBe("/environments");
  await app.hostPid();
  await app.create("web");
  const seen = await page.evaluate(async () => {
    const answer = await fetch("/gitpod.v1.EnvironmentService/ListEnvironments", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    return JSON.stringify(await answer.json());
  });
  expect(seen).toContain("simulated.test/web");
});

test("Chromium is started so that a terminal's answer to a key is drawn in the next frame", async () => {
  const app = await home.launch();
  const page = await app.page();
  const session = await page.context().browser()?.newBrowserCDPSession();
  const told = await session?.send("SystemInfo.getInfo");
  expect(told?.commandLine).toContain("DeferRendererTasksAfterInput");
});

test("the tray shows what runs, opens it and stops it", async () => {
  const app = await home.launch();
  const page = await app.page();
  await app.hostPid();
  const id = await app.create("web");
  const view = await app.when(({ tray }) => tray.some((item) => typeof item === "object" && item.items.includes("Stop")));
  const entry = view.tray.find((item) => typeof item === "object" && item.items.includes("Stop"));
  const name = typeof entry === "object" ? entry.label : "";
  await app.click("tray", name, "Open");
  await page.waitForURL(`**/environments/${id}/overview`);
  await app.whenPhase(id, EnvironmentPhase.RUNNING);
  await app.click("tray", name, "Stop");
  await app.whenPhase(id, EnvironmentPhase.STOPPED);
  await app.when(({ tray }) => tray.includes("No environment is running"));
  await app.click("tray", "New from Recent Repository", "simulated.test/web");
  await page.waitForURL("**/new?url=https%3A%2F%2Fsimulated.test%2Fweb.git");
});

test("who looks elsewhere is told that an environment is ready, that one failed, and is led there", async () => {
  const app = await home.launch();
  const page = await app.page();
  await app.hostPid();
  await app.when(({ windows }) => windows[0]?.focused === true);
  await app.command({ kind: "window", action: "blur" });
  const id = await app.create("web");
  await app.when(({ notifications }) => notifications.some(({ title }) => title.endsWith(" is ready")));
  await app.when(({ notifications }) => notifications.some(({ title }) => / listens on port 3000 \(node\)$/.test(title)));
  const failing = await app.create("fail-clone");
  const view = await app.when(({ notifications, badge }) => badge === 1 && notifications.some(({ title }) => title.endsWith(" failed")));
  const index = view.notifications.findIndex(({ title }) => title.endsWith(" is ready"));
  await app.command({ kind: "click-notification", index });
  await page.waitForURL(`**/environments/${id}/overview`);
  await app.when(({ badge, windows }) => badge === 0 && windows[0]?.focused === true);
  await app.command({ kind: "click-notification", index: view.notifications.findIndex(({ title }) => title.endsWith(" failed")) });
  await page.waitForURL(`**/environments/${failing}/overview`);
});

test("closing the window leaves Berth in the tray; it comes back where it was", async () => {
  const app = await home.launch();
  await app.page();
  await app.command({ kind: "set-bounds", bounds: { x: 40, y: 60, width: 1000, height: 700 } });
  await app.command({ kind: "window", action: "close" });
  await app.when(({ windows }) => windows[0]?.visible === false);
  await app.click("tray", "Open Berth");
  await app.when(({ windows }) => windows[0]?.visible === true);
  await app.click("tray", "Quit Berth");
  await app.runner.exited;
  const again = await home.launch();
  await again.page();
  expect((await again.view()).windows[0]?.bounds).toEqual({ x: 40, y: 60, width: 1000, height: 700 });
});

test("a window whose display went away comes back to one that is there", async () => {
  const app = await home.launch();
  await app.page();
  await app.command({ kind: "set-bounds", bounds: { x: 2500, y: 60, width: 1000, height: 700 } });
  await app.command({ kind: "displays", areas: [{ x: 0, y: 0, width: 1920, height: 1080 }] });
  await app.command({ kind: "emit", target: "screen", event: "display-removed", args: [] });
  await app.when(({ windows }) => (windows[0]?.bounds.x ?? 9999) < 1920);
});

test("a page that crashed is loaded again", async () => {
  const app = await home.launch();
  const page = await app.page();
  await page.evaluate(() => Object.assign(globalThis, { before: true }));
  const crashed = page.waitForEvent("crash");
  await app.command({ kind: "window", action: "crash" });
  await crashed;
  await app.when(({ windows }) => windows[0]?.url.startsWith("app://berth/") === true);
});

test("a dropped folder is known by its path", async () => {
  const app = await home.launch();
  const page = await app.page();
  const path = join(home.folder, "dropped.txt");
  writeFileSync(path, "x");
  await page.evaluate(() => {
    const input = document.createElement("input");
    input.type = "file";
    input.id = "dropped";
    document.body.append(input);
  });
  // Playwright's own setInputFiles sends a file's content over the wire, and such a file has no path.
  const session = await page.context().newCDPSession(page);
  const { result } = await session.send("Runtime.evaluate", { expression: "document.querySelector('#dropped')" });
  await session.send("DOM.setFileInputFiles", { files: [path], objectId: result.objectId ?? "" });
  const found = await page.evaluate(async () => {
    const input = document.querySelector<HTMLInputElement>("#dropped");
    const file = input?.files?.[0];
    return file === undefined ? "" : window.berthDesktop?.pathOfFile(file);
  });
  expect(found).toBe(path);
});
