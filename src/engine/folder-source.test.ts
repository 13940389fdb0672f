import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readFolder } from "./folder-source.ts";

let folder: string;

beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "berth-folder-"))));

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function git(...args: readonly string[]): void {
  execFileSync("git", ["-c", "user.name=T", "-c", "user.email=t@example.com", ...args], { cwd: folder, stdio: "ignore" });
}

/** The lines of `tar --list --verbose` for what is read. */
async function listed(): Promise<string[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of readFolder(folder, AbortSignal.timeout(10_000))) chunks.push(chunk);
  return execFileSync("tar", ["--list", "--verbose", "--quoting-style=literal", "--file=-"], {
    input: Buffer.concat(chunks),
    encoding: "latin1",
  })
    .trim()
    .split("\n");
}

test("uncommitted and untracked files come along, ignored and deleted ones do not, whatever bytes a name has", async () => {
  git("init", "--quiet");
  writeFileSync(join(folder, ".gitignore"), "ignored\n");
  for (const name of ["committed", "deleted", "ignored"]) writeFileSync(join(folder, name), name);
  git("add", "--all");
  git("commit", "--quiet", "--message", "x");
  rmSync(join(folder, "deleted"));
  writeFileSync(join(folder, "untracked"), "u");
  // macOS takes no other names than UTF-8.
  const odd = process.platform === "linux" ? ["./caf\u00e9"] : [];
  for (const name of odd) writeFileSync(Buffer.from(join(folder, name), "latin1"), "not UTF-8");
  const all = (await listed()).map((line) => line.slice(line.indexOf("./")));
  expect(all).toContain("./.git/HEAD");
  const files = all.filter((name) => !name.startsWith("./.git/"));
  expect(files.toSorted()).toEqual(["./.gitignore", "./committed", "./untracked", ...odd].toSorted());
});

test("a link stays a link, so that nothing outside of the folder is read", async () => {
  git("init", "--quiet");
  symlinkSync("/etc/passwd", join(folder, "link"));
  expect((await listed()).find((line) => line.includes("link"))).toMatch(/^l.*link -> \/etc\/passwd$/);
});

test("nothing that a repository's configuration names is run", async () => {
  git("init", "--quiet");
  const touch = `touch ${join(folder, "ran")}`;
  mkdirSync(join(folder, ".git/hooks"), { recursive: true });
  writeFileSync(join(folder, ".git/hooks/post-index-change"), `#!/bin/sh\n${touch}\n`, { mode: 0o755 });
  for (const key of ["core.fsmonitor", "filter.x.clean", "filter.x.process"]) git("config", key, touch);
  writeFileSync(join(folder, ".gitattributes"), "* filter=x\n");
  await listed();
  expect(existsSync(join(folder, "ran"))).toBe(false);
});
