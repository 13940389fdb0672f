import { expect, test } from "vitest";
import { bundleText } from "./bundle-text.ts";

test("the file has every part under its name and nothing else", () => {
  expect(
    bundleText([
      { title: "Versions", text: "Berth: 1" },
      { title: "Log", text: "a\nb\n\n" },
    ]),
  ).toBe("===== Versions =====\nBerth: 1\n\n===== Log =====\na\nb\n");
});
