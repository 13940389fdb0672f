import { expect, test } from "vitest";
import { plainText } from "./plain-text.ts";

test.each([
  ["\u001b[1;31mred\u001b[0m text", "red text"],
  ["a\r\nb\r\n", "a\nb\n"],
  [" 10%\r 50%\r100%\nnext", "100%\nnext"],
  ["\u001b]0;title\u0007prompt\u001b[2K\u001b[?25h", "prompt"],
  ["bell\u0007 and\ttab", "bell and\ttab"],
])("%j reads %j", (output, text) => {
  expect(plainText(output)).toBe(text);
});
