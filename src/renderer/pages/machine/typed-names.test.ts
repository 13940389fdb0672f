import { expect, test } from "vitest";
import { typedNames } from "./typed-names.ts";

test.each([
  ["", []],
  ["api", ["api"]],
  [" api , my app\nweb,", ["api", "my app", "web"]],
  ["API, ap, apiweb", []],
])("%j names %j", (text, expected) => {
  expect([...typedNames(text, ["api", "my app", "web"])]).toEqual(expected);
});
