import { expect, test } from "vitest";
import { TrimPolicy } from "./auto-trim.ts";

const gib = 1024 ** 3;

test("the disk is trimmed once after much was deleted, and not while it fills or for little", () => {
  const policy = new TrimPolicy();
  const asked = [10, 8, 8.2, 10.1, 10.1, 9, 9.3, 9.6].map((free) => policy.shouldTrim(free * gib));
  expect(asked).toEqual([false, false, false, true, false, false, false, true]);
});
