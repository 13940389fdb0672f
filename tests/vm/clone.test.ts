import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { gitBase, must, Product, run, Servers } from "./product.ts";

const product = new Product(inject("productFolder"));
const servers = new Servers(product);
const names = ["pr", "tag", "commit", "page"];
/** The rest of a history comes in the background. */
const completeTimeoutMs = 60_000;
const largeFile = "large ".repeat(1000);
const shas = new Map<string, string>();
let folders: ReadonlyMap<string, string>;

beforeAll(async () => {
  publish();
  folders = await product.cloneAll([
    { name: "pr", source: `${gitBase}/team/history/pull/7` },
    { name: "tag", source: `${gitBase}/team/history/releases/tag/v1` },
    { name: "commit", source: `${gitBase}/team/history/commit/${shas.get("loose")}` },
    { name: "page", source: `${gitBase}/team/history/tree/release/1.0/part` },
  ]);
});

afterAll(async () => product.deleteAll(names));

/** A history with a tag at its beginning, a submodule, a large file, a pull request and a commit that no branch has. */
function publish(): void {
  servers.publish("team/part", undefined, (folder, git) => {
    for (const text of ["old", "new"]) {
      writeFileSync(join(folder, "part.txt"), `${text}\n`);
      git("add", "--all");
      git("commit", "--quiet", "--message", text);
      shas.set(text, head(folder));
    }
  });
  servers.publish("team/history", undefined, (folder, git) => {
    const commit = (message: string): void => {
      git("commit", "--quiet", "--allow-empty", "--message", message);
      shas.set(message, head(folder));
    };
    commit("tagged");
    git("tag", "v1");
    git("branch", "release/1.0");
    const oid = createHash("sha256").update(largeFile).digest("hex");
    mkdirSync(join(folder, ".git/lfs"));
    writeFileSync(join(folder, ".git/lfs", oid), largeFile);
    writeFileSync(join(folder, ".gitattributes"), "*.bin filter=lfs diff=lfs merge=lfs -text\n");
    writeFileSync(join(folder, "large.bin"), `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${largeFile.length}\n`);
    writeFileSync(join(folder, ".gitmodules"), '[submodule "part"]\n\tpath = part\n\turl = ../part.git\n');
    git("add", "--all");
    git("update-index", "--add", "--cacheinfo", `160000,${shas.get("old")},part`);
    commit("third");
    for (const ref of ["refs/pull/7/head", "refs/loose/1"]) {
      git("checkout", "--quiet", "--detach", "main");
      commit(ref === "refs/loose/1" ? "loose" : "asked");
      commit(ref === "refs/loose/1" ? "after loose" : "asked again");
      git("update-ref", ref, "HEAD");
    }
    git("checkout", "--quiet", "main");
  });
}

function head(folder: string): string {
  return must(run("git", ["rev-parse", "HEAD"], { cwd: folder })).stdout.trim();
}

/** A command in the working copy, as the one who owns it, in the machine. */
function inCopy(name: string, ...argv: readonly string[]): string {
  const asOwner = [
    "setpriv",
    "--reuid=berth",
    "--regid=berth",
    "--clear-groups",
    "env",
    `--chdir=${folders.get(name) ?? "/none"}`,
    "HOME=/home/berth",
  ];
  return must(product.machine(...asOwner, ...argv)).stdout;
}

function git(name: string, ...args: readonly string[]): string {
  return inCopy(name, "git", ...args).trim();
}

async function historyOf(name: string): Promise<string> {
  const complete = (): boolean => git(name, "rev-parse", "--is-shallow-repository") === "false";
  expect(await waitUntil(complete, { intervalMs: 500, signal: AbortSignal.timeout(completeTimeoutMs) })).toBe(true);
  return git(name, "log", "--format=%s", "HEAD");
}

test("a pull request is checked out as a branch that follows it, with its whole history in the end", async () => {
  expect(git("pr", "rev-parse", "--abbrev-ref", "HEAD")).toBe("pr/7");
  expect(await historyOf("pr")).toBe("asked again\nasked\nthird\ntagged\nFirst");
  expect(git("pr", "pull")).toContain("up to date");
  expect(git("pr", "status", "--short")).toBe("");
  expect(git("pr", "config", "--get", "branch.pr/7.merge")).toBe("refs/pull/7/head");
});

test("submodules and large files are there", () => {
  expect(inCopy("pr", "cat", "part/part.txt")).toBe("old\n");
  expect(inCopy("pr", "cat", "large.bin")).toBe(largeFile);
  expect(git("pr", "status", "--short")).toBe("");
});

test("a tag is checked out", async () => {
  expect(git("tag", "rev-parse", "HEAD")).toBe(shas.get("tagged"));
  expect(await historyOf("tag")).toBe("tagged\nFirst");
  expect(git("tag", "rev-list", "--count", "origin/main")).toBe("3");
});

test("a commit that no branch has is checked out", async () => {
  expect(git("commit", "rev-parse", "HEAD")).toBe(shas.get("loose"));
  expect(await historyOf("commit")).toBe("loose\nthird\ntagged\nFirst");
});

test("the address of a folder's page means its branch, whose name has a slash", () => {
  expect(git("page", "rev-parse", "--abbrev-ref", "HEAD")).toBe("release/1.0");
  expect(git("page", "rev-parse", "HEAD")).toBe(shas.get("tagged"));
});
