import { expect, test } from "vitest";
import { parseBenchArguments } from "./arguments.ts";
import { parseUsage } from "./process-usage.ts";
import { measurePairs, median, percentile, resultOf } from "./statistics.ts";
import { formatTable } from "./table.ts";

test("the median is the middle, whatever the order", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(() => median([])).toThrow(/no median/);
});

test("a percentile is the smallest value that so many are no larger than", () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(percentile(values, 95)).toBe(95);
  expect(percentile([7], 95)).toBe(7);
  expect(() => percentile([], 50)).toThrow(/no percentile/);
});

test("one slow run moves neither side's value", () => {
  const result = resultOf("cold", "s", { ours: [4, 4.2, 90], baseline: [10, 10, 11] }, 0.5);
  expect(result).toMatchObject({ ours: 4.2, baseline: 10, ratio: 0.42, runs: 3, unit: "s" });
});

test("both sides are measured in turn, and each is first as often", async () => {
  const order: string[] = [];
  const samples = await measurePairs(
    2,
    async () => order.push("ours"),
    async () => order.push("baseline"),
    () => undefined,
  );
  expect(order).toEqual(["ours", "baseline", "baseline", "ours"]);
  expect(samples).toEqual({ ours: [1, 4], baseline: [2, 3] });
});

test("the table says which promises hold", () => {
  const samples = { ours: [3], baseline: [4] };
  const lines = formatTable([
    resultOf("files: git status", "s", samples, 1.1),
    resultOf("cold", "s", samples, 0.5),
    resultOf("idle: VM", "%", samples),
  ]).split("\n");
  expect(lines[2]).toMatch(/git status .*3\.00 s .*4\.00 s .*0\.75 .*≤ 1\.1 .*holds/);
  expect(lines[3]).toMatch(/missed/);
  expect(lines[4]).not.toMatch(/holds|missed/);
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
});

test("benchmarks are chosen by name and run in their own order", () => {
  expect(parseBenchArguments([])).toEqual({
    only: [
      "cold",
      "resume",
      "wake",
      "fork",
      "ten",
      "reclaim",
      "machine-idle",
      "create",
      "files",
      "idle",
      "network",
      "window",
      "terminal",
      "bundle",
    ],
    jsonPath: undefined,
    pairs: undefined,
  });
  expect(parseBenchArguments(["--only", "idle", "--only", "cold", "--json", "x.json", "--pairs", "5"])).toEqual({
    only: ["cold", "idle"],
    jsonPath: "x.json",
    pairs: 5,
  });
  expect(() => parseBenchArguments(["--only", "warm"])).toThrow(/no benchmark 'warm'; there are cold/);
  expect(() => parseBenchArguments(["--pairs", "0"])).toThrow(/whole number/);
});

test("a process's use is read from its stat and status, whatever its name", () => {
  const stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 11 0 1000 2000 300";
  expect(parseUsage(stat, "Name:\tx\nVmRSS:\t   2048 kB\n")).toEqual({ cpuSeconds: 2, residentBytes: 2048 * 1024 });
  expect(() => parseUsage("42 (x) Z 1", "Name:\tx\n")).toThrow(/has ended/);
});
