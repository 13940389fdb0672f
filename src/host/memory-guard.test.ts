import { expect, test } from "vitest";
import { checkMemory } from "./memory-guard.ts";

const gib = 1024 ** 3;
const wanted = { name: "web", memoryBytes: 2 * gib };
const others = [
  { name: "the shared machine", memoryBytes: 8 * gib },
  { name: "api", memoryBytes: 2 * gib },
];

test("a machine for which there is memory may start, to the last byte", () => {
  expect(() => checkMemory({ computerBytes: 13 * gib, reserveBytes: gib, wanted, others })).not.toThrow();
});

test("one more than the computer can spare is refused, and who takes it is named", () => {
  expect(() => checkMemory({ computerBytes: 13 * gib - 1, reserveBytes: gib, wanted, others })).toThrow(
    /web needs 2.0 GiB.*the shared machine \(8.0 GiB\), api \(2.0 GiB\); suspend one of these/,
  );
});

test("a computer that is too small by itself says so", () => {
  expect(() => checkMemory({ computerBytes: 2 * gib, reserveBytes: gib, wanted, others: [] })).toThrow(/taken by no machine/);
});
