import { expect, test } from "vitest";
import { spansOf, textOf } from "./ansi.ts";
import { LogText } from "./log-text.ts";

test("colours are kept and everything else that moves is taken out", () => {
  expect(spansOf("plain \u001b[1;32mgreen\u001b[0m \u001b[38;5;196mred\u001b[39m\u001b[2K end")).toEqual([
    { text: "plain ", color: undefined, bold: false },
    { text: "green", color: 2, bold: true },
    { text: " ", color: undefined, bold: false },
    { text: "red", color: "rgb(255 0 0)", bold: false },
    { text: " end", color: undefined, bold: false },
  ]);
});

test("a line that was written over shows what it became", () => {
  expect(textOf("10%\r50%\r100% done\r")).toBe("100% done");
  expect(textOf("\u001b]0;title\u0007\u001b]8;;https://x.test\u001b\\link\u001b]8;;\u001b\\")).toBe("link");
});

test("lines are put together from pieces that end in the middle of a character", () => {
  const text = new LogText();
  const bytes = new TextEncoder().encode("grün\nzweite");
  for (const byte of bytes) text.push(Uint8Array.of(byte));
  expect(text.lines()).toEqual(["grün", "zweite"]);
});
