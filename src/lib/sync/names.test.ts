import { expect, test } from "vitest";
import { conflictOf, conflictPath, isLinkInside, pathProblem } from "./names.ts";

const at = new Date(Date.UTC(2026, 0, 2, 3, 4, 5));
const free = (): boolean => false;

test.each<[string, string | undefined]>([
  ["a", undefined],
  ["a/b c/ü.txt", undefined],
  [".env", undefined],
  ["..a/...", undefined],
  ["", "name"],
  ["a/", "name"],
  ["/a", "name"],
  ["a//b", "name"],
  ["a/../b", "name"],
  ["./a", "name"],
  ["a\\b", "name"],
  ["a\u0000", "name"],
  ["a\u001b[2J", "name"],
  ["a\ufffd", "name"],
  ["\ud800", "name"],
  ["x".repeat(256), "name"],
  ["ü".repeat(128), "name"],
  ["a/".repeat(64) + "a", "too-deep"],
])("%j is %j", (path, problem) => {
  expect(pathProblem(path, "linux")).toBe(problem);
});

test.each(["con", "nul.txt", "a:b", "a.", "what?"])("%j is a name everywhere but on Windows", (path) => {
  expect(pathProblem(path, "linux")).toBeUndefined();
  expect(pathProblem(path, "win32")).toBe("name");
});

test.each<[string, string, boolean]>([
  ["a", "b", true],
  ["a/b", "../c", true],
  ["a/b/c", "../../d", true],
  ["a", ".", true],
  ["a", "..", false],
  ["a/b", "../../c", false],
  ["a", "/etc", false],
  ["a/b/c", "x/../../y", false],
  ["a", "b/..", false],
  ["a", "", false],
  ["a", "c:\\x", false],
])("%j may link to %j: %j", (path, target, expected) => {
  expect(isLinkInside(path, target)).toBe(expected);
});

test.each([
  ["a.txt", "a.conflict-computer-20260102-030405.txt"],
  ["x/Makefile", "x/Makefile.conflict-computer-20260102-030405"],
  [".env", ".env.conflict-computer-20260102-030405"],
  ["a.tar.gz", "a.tar.conflict-computer-20260102-030405.gz"],
])("the other version of %j is kept as %j, and known by that", (path, kept) => {
  expect(conflictPath(path, at, free)).toBe(kept);
  expect(conflictOf(kept)).toBe(path);
  const second = conflictPath(path, at, (taken) => taken === kept);
  expect([second === kept, conflictOf(second)]).toEqual([false, path]);
  expect(conflictOf(path)).toBeUndefined();
});

test("a name stays one that a disk can have", () => {
  for (const path of [`d/${"x".repeat(255)}`, `${"ü".repeat(120)}.txt`, `a.${"y".repeat(200)}`])
    expect(pathProblem(conflictPath(path, at, free))).toBeUndefined();
});
