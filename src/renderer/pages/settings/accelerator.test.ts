import { expect, test } from "vitest";
import { acceleratorOf } from "./accelerator.ts";

const press = (code: string, held: string, key = "") => ({
  code,
  key,
  ctrlKey: held.includes("c"),
  altKey: held.includes("a"),
  shiftKey: held.includes("s"),
  metaKey: held.includes("m"),
});

test.each([
  ["KeyB", "ca", false, "Ctrl+Alt+B"],
  ["KeyB", "ms", true, "Command+Shift+B"],
  ["Digit1", "a", false, "Alt+1"],
  ["F12", "c", true, "Control+F12"],
  ["ArrowUp", "m", false, "Super+Up"],
  ["KeyB", "s", false, undefined],
  ["KeyB", "", false, undefined],
  ["ControlLeft", "c", false, undefined],
  ["IntlBackslash", "c", false, undefined],
])("%s with %j held (Mac: %s) is %j", (code, held, isMac, accelerator) => {
  expect(acceleratorOf(press(code, held), isMac)).toBe(accelerator);
});
