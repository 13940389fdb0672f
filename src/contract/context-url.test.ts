import { expect, test } from "vitest";
import { parseContextUrl } from "./context-url.ts";

test.each([
  ["https://github.com/o/r", { cloneUrl: "https://github.com/o/r", repository: "r" }],
  ["github.com/o/r", { cloneUrl: "https://github.com/o/r", repository: "r" }],
  ["https://github.com/o/r/tree/feature/x", { cloneUrl: "https://github.com/o/r.git", branch: "feature/x" }],
  ["https://github.com/o/r/blob/main/src/a.ts", { branch: "main" }],
  ["https://github.com/o/r/commit/0123456789abcdef0123456789abcdef01234567", { commit: "0123456789abcdef0123456789abcdef01234567" }],
  ["https://github.com/o/r/pull/12", { pullRequest: "12", pullRequestRef: "refs/pull/12/head" }],
  ["https://codeberg.org/o/r/pulls/4", { pullRequestRef: "refs/pull/4/head", cloneUrl: "https://codeberg.org/o/r.git" }],
  ["https://github.com/o/r/pulls", { pullRequestRef: "", cloneUrl: "https://github.com/o/r.git" }],
  ["https://github.com/o/r/issues/7", { issue: "7" }],
  ["https://github.com/o/r/releases/tag/v1.0", { tag: "v1.0" }],
  [
    "https://gitlab.com/a/b/c/-/merge_requests/3",
    { cloneUrl: "https://gitlab.com/a/b/c.git", owner: "a/b", pullRequestRef: "refs/merge-requests/3/head" },
  ],
  [
    "https://git.example.com/projects/P/repos/r/pull-requests/5/overview",
    { cloneUrl: "https://git.example.com/scm/p/r.git", pullRequestRef: "refs/pull-requests/5/from" },
  ],
  [
    "https://git.example.com/users/me/repos/r/browse?at=refs%2Fheads%2Fx%2Fy",
    { cloneUrl: "https://git.example.com/scm/~me/r.git", branch: "x/y" },
  ],
  ["https://dev.azure.com/o/p/_git/r/pullrequest/9", { pullRequestRef: "refs/pull/9/merge" }],
  ["https://gitlab.example.com/a/b/-/tree/main", { branch: "main", cloneUrl: "https://gitlab.example.com/a/b.git" }],
  ["https://bitbucket.org/o/r/branch/x/y", { branch: "x/y", cloneUrl: "https://bitbucket.org/o/r.git" }],
  ["https://dev.azure.com/org/project/_git/r?version=GBmain", { branch: "main", cloneUrl: "https://dev.azure.com/org/project/_git/r" }],
  ["https://org.visualstudio.com/project/_git/r?version=GTv1", { tag: "v1", cloneUrl: "https://org.visualstudio.com/project/_git/r" }],
  ["https://dev.azure.com/org/project/_git/r/pullrequest/5", { pullRequest: "5" }],
  ["https://codeberg.org/o/r/src/branch/feature/x", { branch: "feature/x", cloneUrl: "https://codeberg.org/o/r.git" }],
  ["https://codeberg.org/o/r/src/tag/v1", { tag: "v1" }],
  ["https://codeberg.org/o/r/pulls/9", { pullRequest: "9", cloneUrl: "https://codeberg.org/o/r.git" }],
  [
    "https://bitbucket.example/projects/KEY/repos/r/browse?at=refs%2Fheads%2Fdev",
    { branch: "dev", cloneUrl: "https://bitbucket.example/scm/key/r.git", owner: "KEY", repository: "r" },
  ],
  ["git@github.com:o/r.git", { cloneUrl: "git@github.com:o/r.git", repository: "r", host: "github.com" }],
  ["ssh://git@host.example:2222/o/r.git", { cloneUrl: "ssh://git@host.example:2222/o/r.git", repository: "r" }],
  ["http://127.0.0.1:3000/o/r.git", { cloneUrl: "http://127.0.0.1:3000/o/r.git", repository: "r" }],
])("reads %s", (text, expected) => {
  expect(parseContextUrl(text)).toMatchObject(expected);
});

test.each([
  "",
  "--upload-pack=touch /tmp/x",
  "ext::sh -c id",
  "file:///etc/passwd",
  "https:///host/path",
  "https://-oProxyCommand=x/r",
  "ssh://-oProxyCommand=x/r",
  "git@-host:r",
  "git@host:-r",
  "https://github.com/o/r\nx",
  "https://github.com/o/-r",
  "https://github.com/../r/../..",
  "javascript:alert(1)",
  "/etc/passwd",
  "https://user:secret@github.com/o/r",
  "fd::17",
  "https://github.com/o/%zz",
  "https://github.com/o/r/tree/a%0ab",
  "https://github.com/o/r/tree/%2d%2dupload-pack=x",
  "https://github.com/o%2F..%2F../r",
  "https://dev.azure.com/org/project/_git/r?version=GB--upload-pack=x",
  "https://bitbucket.org/o/r/pull-requests/1",
])("refuses %j", (text) => {
  expect(() => parseContextUrl(text)).toThrow(/url-invalid/);
});
