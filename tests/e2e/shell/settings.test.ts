import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type {} from "../../../src/contract/desktop-bridge.ts";
import { DesktopHome } from "./desktop-app.ts";

const keychain = "STANDIN_KEYCHAIN";
let home: DesktopHome;
beforeEach(() => void (home = new DesktopHome()));
afterEach(async () => home.end());

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
