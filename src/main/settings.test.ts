import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { SettingsFile, settingsChangeSchema } from "./settings.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-settings-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, "desktop", "desktop.json");
afterEach(() => rmSync(join(folder, "desktop"), { recursive: true, force: true }));

test("what is changed is there at the next start, and nothing else changed", async () => {
  const file = new SettingsFile(path);
  await file.change({ theme: "dark" });
  await file.rememberWindow({ bounds: { x: 1, y: 2, width: 1000, height: 700 }, maximized: true });
  const again = new SettingsFile(path);
  expect(again.settings).toEqual({ ...new SettingsFile(join(folder, "desktop", "none.json")).settings, theme: "dark" });
  expect(again.window).toMatchObject({ maximized: true });
});

test.each(["", "{", '{"settings":3}', '{"window":null}', "[]"])("a spoilt file %j costs no start", (content) => {
  new SettingsFile(path);
  writeFileSync(path, content);
  expect(new SettingsFile(path).settings.onQuit).toBe("ask");
});

test("a setting of a newer version is left out, the known ones stay", async () => {
  await new SettingsFile(path).change({ onQuit: "leave" });
  const content: { settings: object } = JSON.parse(readFileSync(path, "utf8"));
  writeFileSync(path, JSON.stringify({ ...content, settings: { ...content.settings, futureSetting: 1 } }));
  expect(new SettingsFile(path).settings.onQuit).toBe("leave");
});

test.each<[unknown]>([
  [{ globalShortcut: "x" }],
  [{ globalShortcut: "--inspect" }],
  [{ updateFeed: "http://updates.test" }],
  [{ updateFeed: "file:///tmp/x" }],
  [{ theme: "pink" }],
  [{ nodeIntegration: true }],
  [{ __proto__: null, constructor: 1 }],
])("the change %j is refused", (change) => expect(settingsChangeSchema.safeParse(change).success).toBe(false));

test("repositories used last come first, each once", async () => {
  const file = new SettingsFile(path);
  await file.rememberSources(["https://a.test/a/a", "https://a.test/b/b"]);
  await file.rememberSources(["https://a.test/c/c", "https://a.test/a/a", "", "file:///x"]);
  expect(new SettingsFile(path).recent).toEqual(["https://a.test/c/c", "https://a.test/a/a", "https://a.test/b/b"]);
});
