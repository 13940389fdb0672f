import { expect, test } from "vitest";
import { DiskCare } from "./disk-care.ts";

const gib = 1024 ** 3;
const hourMs = 60 * 60_000;

test("the disk is trimmed once after much was deleted, and not while it fills or for little", () => {
  const care = new DiskCare();
  const asked = [50, 48, 48.2, 50.1, 50.1, 49, 49.3, 49.6].map((free) => care.next({ freeBytes: free * gib, totalBytes: 64 * gib }, 0));
  expect(asked).toEqual(["none", "none", "none", "trim", "none", "none", "none", "trim"]);
});

test("a disk that is nearly full is cleared of what can be made again, at most once an hour", () => {
  const care = new DiskCare();
  const full = { freeBytes: 3 * gib, totalBytes: 64 * gib };
  expect(care.next(full, 0)).toBe("reclaim");
  expect(care.next(full, hourMs - 1)).toBe("none");
  expect(care.next(full, hourMs)).toBe("reclaim");
});
