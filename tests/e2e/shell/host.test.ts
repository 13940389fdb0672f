import { afterEach, beforeEach, expect, test } from "vitest";
import type {} from "../../../src/contract/desktop-bridge.ts";
import { DesktopHome } from "./desktop-app.ts";

let home: DesktopHome;
beforeEach(() => void (home = new DesktopHome()));
afterEach(async () => home.end());

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
