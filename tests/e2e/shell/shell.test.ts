import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EnvironmentPhase } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import type {} from "../../../src/contract/desktop-bridge.ts";
import { DesktopHome } from "./desktop-app.ts";

const keychain = "STANDIN_KEYCHAIN";
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

test("a host that was killed is started again, and the window knows", async () => {
  const app = await home.launch();
  const page = await app.page();
  const pid = await app.hostPid();
  await page.evaluate(() => {
    const seen: string[] = [];
    Object.assign(globalThis, { seen });
    window.berthDesktop?.onState(({ host }) => seen.push(host.phase));
  });
  process.kill(pid, "SIGKILL");
  await page.waitForFunction(() => {
    const seen: string[] = Reflect.get(globalThis, "seen");
    return seen.includes("restarting") && seen.at(-1) === "running";
  });
  expect(await app.hostPid()).not.toBe(pid);
});

test("a host that ends again and again is given up until the person starts it", async () => {
  const app = await home.launch();
  const page = await app.page();
  const phase = async (): Promise<string> => page.evaluate(async () => (await window.berthDesktop?.getState())?.host.phase ?? "");
  let last = 0;
  for (let kills = 0; kills < 6; kills++) {
    let pid = await app.hostPid();
    while (pid === last) pid = await app.hostPid();
    last = pid;
    process.kill(pid, "SIGKILL");
  }
  await app.when(({ tray }) => tray.includes("Berth’s host ended"));
  expect(await phase()).toBe("failed");
  await page.evaluate(async () => window.berthDesktop?.restartHost());
  expect(await app.hostPid()).toBeGreaterThan(0);
  await app.when(({ tray }) => !tray.includes("Berth’s host ended"));
}, 90_000);

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

test("settings take effect: theme, shortcut, launch at login; what the system refuses is said", async () => {
  const app = await home.launch();
  const page = await app.page();
  await page.evaluate(async () =>
    window.berthDesktop?.changeSettings({ theme: "dark", globalShortcut: "Ctrl+Alt+B", launchAtLogin: true }),
  );
  const view = await app.view();
  expect(view).toMatchObject({ theme: "dark", shortcuts: ["Ctrl+Alt+B"] });
  expect(readFileSync(join(home.folder, "config/autostart/berth.desktop"), "utf8")).toContain("--hidden");
  await app.command({ kind: "window", action: "hide" });
  await app.command({ kind: "press-shortcut", accelerator: "Ctrl+Alt+B" });
  await app.when(({ windows }) => windows[0]?.visible === true);
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

test.each([
  ["without a keychain it is on no disk", {}, false],
  ["with a keychain it is sealed", { [keychain]: "" }, true],
])("the update feed's token: %s", async (_, env, kept) => {
  if (keychain in env) home = new DesktopHome({ [keychain]: join(home.folder, "keychain.key") });
  const app = await home.launch();
  const page = await app.page();
  await app.hostPid();
  const answer = await page.evaluate(async () => window.berthDesktop?.setUpdateToken("canary-5f2c"));
  expect(answer).toEqual({ kept });
  const files = readdirSync(join(home.folder, "home"), { recursive: true, encoding: "utf8", withFileTypes: true }).filter((file) =>
    file.isFile(),
  );
  for (const { parentPath, name } of files) expect(readFileSync(join(parentPath, name)).includes("canary-5f2c"), name).toBe(false);
  expect(files.some(({ name }) => name === "update-token")).toBe(kept);
});
