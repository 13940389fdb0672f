import { runProcess } from "../run-process.ts";
import { gitEnvironment, safeGitOptions } from "./git.ts";

/** As many as gitpod.v1 carries of each list; the totals count all. */
const maxListed = 100;
const statusTimeoutMs = 60_000;

export interface GitStateView {
  readonly cloneUrl: string;
  readonly branch: string;
  readonly latestCommit: string;
  readonly changedFiles: readonly { readonly path: string; readonly change: string }[];
  readonly totalChangedFiles: number;
  readonly unpushedCommits: readonly string[];
  readonly totalUnpushedCommits: number;
}

/** Branch, changes and unpushed commits of a working copy; undefined when it is not a git repository. */
export async function readGitState(folder: string): Promise<GitStateView | undefined> {
  const git = async (...args: string[]): Promise<string | undefined> => {
    const result = await runProcess(["git", ...safeGitOptions, ...args], {
      cwd: folder,
      env: { ...gitEnvironment, GIT_OPTIONAL_LOCKS: "0" },
      asOwner: true,
      inBackground: true,
      signal: AbortSignal.timeout(statusTimeoutMs),
    });
    return result.code === 0 ? result.stdout.toString() : undefined;
  };
  const status = await git("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal", "--ignore-submodules=dirty");
  if (status === undefined) return undefined;
  const parsed = parseStatus(status);
  const unpushed = (await git("log", "--format=%H %s", "HEAD", "--not", "--remotes"))?.split("\n").filter((line) => line !== "") ?? [];
  const url = (await git("config", "--get", "remote.origin.url"))?.trim() ?? "";
  return {
    ...parsed,
    cloneUrl: withoutPassword(url),
    unpushedCommits: unpushed.slice(0, maxListed),
    totalUnpushedCommits: unpushed.length,
  };
}

/** Reads `git status --porcelain=v2 --branch -z`. */
export function parseStatus(text: string): Pick<GitStateView, "branch" | "latestCommit" | "changedFiles" | "totalChangedFiles"> {
  let branch = "";
  let latestCommit = "";
  const changed: { path: string; change: string }[] = [];
  const records = text.split("\0");
  for (let i = 0; i < records.length; i++) {
    const record = records[i] ?? "";
    if (record.startsWith("# branch.head ")) branch = record.slice(14);
    else if (record.startsWith("# branch.oid ")) latestCommit = record.slice(13).replace("(initial)", "");
    else if (record.startsWith("1 ")) changed.push({ path: fieldsFrom(record, 8), change: changeOf(record.slice(2, 4)) });
    else if (record.startsWith("2 ")) {
      changed.push({ path: fieldsFrom(record, 9), change: record.slice(2, 4).includes("C") ? "copied" : "renamed" });
      i++;
    } else if (record.startsWith("u ")) changed.push({ path: fieldsFrom(record, 10), change: "updated-but-unmerged" });
    else if (record.startsWith("? ")) changed.push({ path: record.slice(2), change: "untracked" });
  }
  return { branch, latestCommit, changedFiles: changed.slice(0, maxListed), totalChangedFiles: changed.length };
}

function fieldsFrom(record: string, index: number): string {
  return record.split(" ").slice(index).join(" ");
}

function changeOf(xy: string): string {
  if (xy.includes("D")) return "deleted";
  return xy.includes("A") ? "added" : "modified";
}

function withoutPassword(url: string): string {
  return url.replace(/^(https?:\/\/)[^@/]*@/, "$1");
}
