import { expect, test } from "vitest";
import { ignoreOf, isLeftOut } from "./ignore.ts";

test.each<[string, string, boolean]>([
  ["*.log", "debug.log", true],
  ["*.log", "a/b/debug.log", true],
  ["*.log", "a.log/b", true],
  ["*.log", "logs", false],
  ["dist", "a/dist/b", true],
  ["dist/", "dist", true],
  ["/dist", "dist/a", true],
  ["/dist", "a/dist", false],
  ["a/*.txt", "a/b.txt", true],
  ["a/*.txt", "a/b/c.txt", false],
  ["a/**/c", "a/b/b/c", true],
  ["a/**/c", "a/c", true],
  ["a/**", "a/b/c", true],
  ["a/**", "b", false],
  ["?.txt", "a.txt", true],
  ["?.txt", "ab.txt", false],
  ["a.b", "aXb", false],
  ["(a|b)", "a", false],
])("%j leaves out %j: %j", (pattern, path, expected) => {
  expect(isLeftOut(ignoreOf([pattern]), path)).toBe(expected);
});

test.each([
  ".git",
  "a/.git/config",
  ".GIT/x",
  "GIT~1",
  ".g\u200cit/x",
  "node_modules",
  "a/node_modules/b",
  ".berth-sync-0123456789abcdef.tmp",
])("%j is always left out", (path) => {
  expect(isLeftOut(ignoreOf([]), path)).toBe(true);
});

test.each([".gitignore", ".github/x", "git", "modules"])("%j is not", (path) => {
  expect(isLeftOut(ignoreOf([]), path)).toBe(false);
});

test.each(["", "!a", "[a-z]", "a\\b", "{a,b}", "x".repeat(201)])("%j is no pattern", (pattern) => {
  expect(() => ignoreOf([pattern])).toThrow(/pattern/);
});
