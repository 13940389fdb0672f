import { expect, test } from "vitest";
import { contextUrlOf, shownSource, suggestedName, understand } from "./source.ts";

test.each([
  ["https://github.com/acme/app/pull/7", { pullRequest: "7", repository: "app" }],
  ["  github.com/acme/app  ", { host: "github.com", repository: "app" }],
  ["git@gitlab.com:acme/app.git", { host: "gitlab.com", repository: "app" }],
])("%s is a repository", (text, context) => {
  expect(understand(text)).toMatchObject({ kind: "repository", context });
});

test.each([
  ["/home/me/app", "/home/me/app"],
  ["/home/me/app/", "/home/me/app"],
  ["file:///home/me/my%20app", "/home/me/my app"],
  ["berth-folder:/home/me/app", "/home/me/app"],
])("%s is a folder", (text, path) => {
  expect(understand(text)).toEqual({ kind: "folder", path });
});

test.each([
  ["~/app", "folder"],
  ["./app", "folder"],
  ["C:\\app", "folder"],
  ["hello", "address"],
  ["ftp://x.test/y", "address"],
  ["--upload-pack=x", "address"],
])("%s is neither", (text, reason) => {
  expect(understand(text)).toMatchObject({ kind: "invalid", reason });
});

test("a password in an address is named as what is wrong", () => {
  expect(understand("https://me:secret@github.com/a/b")).toMatchObject({ kind: "invalid", detail: expect.stringContaining("password") });
});

test("names and addresses of sources", () => {
  expect(suggestedName(understand("https://github.com/acme/app.git"))).toBe("app");
  expect(suggestedName(understand("/home/me/project"))).toBe("project");
  expect(contextUrlOf(understand("/home/me/project"))).toBe("berth-folder:/home/me/project");
  expect(shownSource("berth-folder:/home/me/project")).toBe("/home/me/project");
  expect(shownSource("https://github.com/acme/app")).toBe("github.com/acme/app");
});
