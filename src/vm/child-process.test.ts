import { expect, test } from "vitest";
import { commandLineOf, millisecondsOf, processUsage } from "./child-process.ts";

test("ps's times of processes that ran seconds, minutes and hours", () => {
  expect(millisecondsOf("0:00.25")).toBe(250);
  expect(millisecondsOf("12:03.5")).toBe(723_500);
  expect(millisecondsOf("1:00:01")).toBe(3_601_000);
});

test("a living process has a command line and memory", () => {
  expect(commandLineOf(process.pid)).toContain("node");
  expect(processUsage(process.pid).residentMemoryBytes).toBeGreaterThan(1024 ** 2);
});
