import { expect, test } from "vitest";
import { authorizedKeysText } from "./authorized-keys.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFNpbXVsYXRlZA";

test("keys stand one a line, and what could do more than log in is left out", () => {
  const bad = [`command="rm -rf /" ${key}`, `${key}\n${key}`, `${key} a\rb`, "no key"];
  expect(authorizedKeysText([key, ...bad, `${key} ada@laptop`])).toBe(`${key}\n${key} ada@laptop\n`);
});
