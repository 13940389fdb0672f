import { expect, test } from "vitest";
import { type Command, CommandRegistry } from "./registry.ts";
import { shownKeys } from "./shortcut.ts";

const key = (name: string, modifiers: Partial<Record<"ctrlKey" | "metaKey" | "altKey" | "shiftKey", boolean>> = {}) => ({
  key: name,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...modifiers,
});
const idle = { typing: false, nowMs: 0 };

function registryOf(...shortcuts: string[]): { registry: CommandRegistry; ran: string[] } {
  const ran: string[] = [];
  const registry = new CommandRegistry(false);
  registry.register(shortcuts.map((shortcut) => command(shortcut, ran)));
  return { registry, ran };
}

function command(shortcut: string, ran: string[], more: Partial<Command> = {}): Command {
  return { id: shortcut, title: shortcut, section: "Test", shortcut, run: () => void ran.push(shortcut), ...more };
}

test.each([
  ["mod+k", key("k", { ctrlKey: true })],
  ["?", key("?", { shiftKey: true })],
  ["shift+x", key("X", { shiftKey: true })],
  ["shift+Enter", key("Enter", { shiftKey: true })],
  ["n", key("n")],
])("%s is found by its key", (shortcut, press) => {
  const { registry, ran } = registryOf(shortcut);
  registry.register([{ id: "without a key", title: "", section: "Test", run: () => void ran.push("without a key") }]);
  expect(registry.press(press, idle)).toBe(true);
  expect(ran).toEqual([shortcut]);
});

test("a sequence needs both keys, in order and in time", () => {
  const { registry, ran } = registryOf("g e", "e");
  registry.press(key("g"), idle);
  registry.press(key("e"), { typing: false, nowMs: 900 });
  expect(ran).toEqual(["g e"]);
  registry.press(key("g"), { typing: false, nowMs: 1000 });
  registry.press(key("e"), { typing: false, nowMs: 3000 });
  expect(ran).toEqual(["g e", "e"]);
});

test("who types is not disturbed, but by keys with a modifier", () => {
  const { registry, ran } = registryOf("n", "mod+k");
  expect(registry.press(key("n"), { typing: true, nowMs: 0 })).toBe(false);
  expect(registry.press(key("k", { ctrlKey: true }), { typing: true, nowMs: 0 })).toBe(true);
  expect(ran).toEqual(["mod+k"]);
});

test("what cannot be done is not done, and keeps its key", () => {
  const ran: string[] = [];
  const registry = new CommandRegistry(false);
  registry.register([command("d", ran, { disabledReason: "it is busy" })]);
  expect(registry.press(key("d"), idle)).toBe(true);
  expect(ran).toEqual([]);
});

test("a screen's commands go with it, and its key wins while it is there", () => {
  const ran: string[] = [];
  const registry = new CommandRegistry(false);
  registry.register([command("x", ran)]);
  const end = registry.register([{ ...command("x", ran), id: "of the screen", run: () => void ran.push("screen") }]);
  registry.press(key("x"), idle);
  end();
  registry.press(key("x"), idle);
  expect(ran).toEqual(["screen", "x"]);
});

test("keys are shown as on the person's keyboard", () => {
  expect(shownKeys("mod+shift+k", true)).toEqual(["⌘⇧K"]);
  expect(shownKeys("mod+shift+k", false)).toEqual(["Ctrl+Shift+K"]);
  expect(shownKeys("g e", false)).toEqual(["G", "E"]);
});
