import { expect, test } from "vitest";
import { cutTo, formatBytes, formatDuration, formatPairs, formatTable, shortSource } from "./format.ts";

test.each([
  [0, "0.0 s"],
  [3240, "3.2 s"],
  [9949, "9.9 s"],
  [9960, "10 s"],
  [59_400, "59 s"],
  [59_700, "1 min 00 s"],
  [125_000, "2 min 05 s"],
  [3_720_000, "1 h 02 min"],
  [-5, "0.0 s"],
])("%i ms is %s", (ms, text) => expect(formatDuration(ms)).toBe(text));

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1536, "1.5 KiB"],
  [64 * 1024 ** 3, "64.0 GiB"],
])("%i bytes are %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test.each([
  ["https://github.com/owner/repo.git", "github.com/owner/repo"],
  ["https://token@host.test/owner/repo", "host.test/owner/repo"],
  ["git@github.com:owner/repo.git", "git@github.com:owner/repo"],
  ["berth-folder:/home/me/work", "~/work"],
  ["berth-folder:/home/me", "~"],
  ["berth-folder:/home/mean", "/home/mean"],
])("%s is read as %s", (source, text) => expect(shortSource(source, "/home/me")).toBe(text));

const columns = [{ title: "NAME", minWidth: 8 }, { title: "N" }, { title: "SOURCE", minWidth: 10, cut: "start" }] as const;
const rows = [
  ["short", "1", "host/a"],
  ["a-rather-long-name", "22", "host.test/owner/repository"],
];

test("a table that fits is aligned and not cut", () => {
  expect(formatTable(columns, rows, 80)).toEqual([
    "NAME                N   SOURCE",
    "short               1   host/a",
    "a-rather-long-name  22  host.test/owner/repository",
  ]);
});

test("a table that does not fit is cut from its last column on, and never wider than the terminal", () => {
  expect(formatTable(columns, rows, 40)).toEqual([
    "NAME                N   SOURCE",
    "short               1   host/a",
    "a-rather-long-name  22  …ner/repository".replace("…ner/repository", "…wner/repository"),
  ]);
  for (const line of formatTable(columns, rows, 28)) expect(line.length).toBeLessThanOrEqual(28);
});

test("pairs without a value are left out", () => {
  expect(
    formatPairs([
      ["name", "web"],
      ["failure", ""],
      ["user", "me"],
    ]),
  ).toEqual(["name  web", "user  me"]);
});

test("a cut text says so", () => {
  expect(cutTo("abcdef", 4)).toBe("abc…");
  expect(cutTo("abcdef", 4, "start")).toBe("…def");
  expect(cutTo("abcd", 4)).toBe("abcd");
});
