import { expect, test } from "vitest";
import { matchCredential } from "./credentials.ts";
import { classifyGitFailure, isSafeRef, refuseRemote } from "./git.ts";
import { parseStatus } from "./git-state.ts";

test.each(["https://github.com/o/r", "http://10.0.0.1/r.git", "ssh://git@h/r", "git@github.com:o/r.git"])("accepts %s", (uri) => {
  expect(refuseRemote(uri)).toBeUndefined();
});

test.each([
  "--upload-pack=x",
  "ext::sh -c x",
  "ext::id",
  "file:///x",
  "git://h/r",
  "https:///h",
  "ssh://-oProxyCommand=x/r",
  "git@h:-x",
  "https://h/r\r\nx",
  "fd::3",
])("refuses %j", (uri) => {
  expect(refuseRemote(uri)).toBeDefined();
});

test("a ref cannot be an option or a range", () => {
  expect(isSafeRef("feature/x-1")).toBe(true);
  for (const ref of ["--force", "-x", "a..b", "a b", "x.lock", ""]) expect(isSafeRef(ref)).toBe(false);
});

test.each([
  ["fatal: Remote branch nope not found in upstream origin", "ref-not-found"],
  ["fatal: could not read Username for 'https://x': terminal prompts disabled", "authentication-required"],
  ["fatal: repository 'https://x/r/' not found", "repository-not-found"],
  ["fatal: unable to access 'https://x/': Could not resolve host: x", "repository-unreachable"],
  ["fatal: unable to access 'https://x/': server certificate verification failed. CAfile: none CRLfile: none", "certificate-untrusted"],
  [
    "fatal: unable to access 'https://x/': server verification failed: certificate signer not trusted. (CAfile: x)",
    "certificate-untrusted",
  ],
  ["fatal: unable to access 'https://x/': SSL certificate problem: unable to get local issuer certificate", "certificate-untrusted"],
  ["error: file write error: No space left on device", "data-disk-full"],
  ["fatal: something new", "clone-failed"],
] as const)("classifies %j", (stderr, code) => {
  expect(classifyGitFailure(stderr)).toBe(code);
});

test("a credential is answered for its own host and path over https only", () => {
  const credentials = [{ host: "github.com", path: "owner/repo", username: "u", password: "p" }];
  const ask = (protocol: string, host: string, path: string) =>
    matchCredential(credentials, `protocol=${protocol}\nhost=${host}\npath=${path}\n\n`);
  expect(ask("https", "github.com", "owner/repo.git")?.password).toBe("p");
  expect(ask("https", "evil.example", "owner/repo.git")).toBeUndefined();
  expect(ask("https", "github.com", "owner/other.git")).toBeUndefined();
  expect(ask("http", "github.com", "owner/repo.git")).toBeUndefined();
});

test("reads a status with renames, spaces and untracked files", () => {
  const z = [
    "# branch.oid abc",
    "# branch.head main",
    "1 .M N... 100644 100644 100644 a b with space.txt",
    "2 R. N... 100644 100644 100644 a b R100 new.txt",
    "old.txt",
    "? un tracked",
    "",
  ].join("\0");
  expect(parseStatus(z)).toEqual({
    branch: "main",
    latestCommit: "abc",
    totalChangedFiles: 3,
    changedFiles: [
      { path: "with space.txt", change: "modified" },
      { path: "new.txt", change: "renamed" },
      { path: "un tracked", change: "untracked" },
    ],
  });
});
