import { existsSync } from "node:fs";
import { chown, mkdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncFolder } from "../../lib/atomic-file.ts";
import { type JobContext, JobError } from "../jobs/job.ts";
import { runProcess } from "../run-process.ts";
import { workUserId } from "../settings.ts";
import { type Credential, serveCredentials } from "./credentials.ts";
import { classifyGitFailure, gitEnvironment, isSafeRef, refuseRemote, safeGitOptions } from "./git.ts";

export interface CloneRequest {
  readonly remoteUri: string;
  readonly upstreamRemoteUri: string;
  readonly branch: string;
  /** True when `branch` may be a branch's name and a path after it. */
  readonly pathMayFollowBranch: boolean;
  readonly tag: string;
  readonly commit: string;
  /** A ref that is no branch and no tag, checked out as `localBranch`, which follows it. */
  readonly ref: string;
  readonly localBranch: string;
  readonly userName: string;
  readonly userEmail: string;
  readonly credentials: readonly Credential[];
  readonly submodules: boolean;
  readonly lfs: boolean;
  /** 0 is a full clone. */
  readonly depth: number;
  /** Names the proxies. */
  readonly networkEnv: Readonly<Record<string, string>>;
}

/**
 * Makes a working copy at `target`: in a folder beside it that is renamed when all is there, so that a
 * crash leaves nothing or the whole. Does nothing when `target` exists.
 */
export async function clone(request: CloneRequest, target: string, runFolder: string, context: JobContext): Promise<void> {
  if (existsSync(target)) return;
  checkRequest(request);
  const parent = dirname(target);
  const partial = `${target}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(parent, { recursive: true });
  await chownToWorkUser(parent);
  const credentials = await serveCredentials(request.credentials, join(runFolder, "credentials"));
  const git: Git = async (args, cwd) => {
    const result = await runProcess(["git", ...safeGitOptions, ...allProcessors, ...credentials.gitOptions, ...args], {
      cwd,
      env: { ...gitEnvironment, ...request.networkEnv },
      asWorkUser: true,
      signal: context.signal,
      onOutput: (chunk) => context.log(chunk),
    });
    if (result.code !== 0) {
      const stderr = result.stderr.toString();
      throw new JobError(classifyGitFailure(stderr), lastMeaningfulLine(stderr));
    }
    return result.stdout.toString();
  };
  try {
    context.step("Cloning the repository");
    try {
      await cloneInto({ ...request, branch: await branchOf(request, parent, git) }, partial, parent, git);
    } catch (error) {
      // Some servers cannot give part of a history.
      if (request.depth === 0 || !(error instanceof JobError) || !/shallow|depth/i.test(error.message)) throw error;
      await rm(partial, { recursive: true, force: true });
      await cloneInto({ ...request, branch: await branchOf(request, parent, git), depth: 0 }, partial, parent, git);
    }
    await fetchExtras(request, partial, git, context);
    await runProcess(["sync", "-f", partial]);
    await rename(partial, target);
    await syncFolder(parent);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  } finally {
    await credentials.close();
  }
}

/** Files are written by as many processes as there are processors; of itself git uses one. */
const allProcessors = ["-c", "checkout.workers=0"] as const;

/** Runs git and gives what it wrote to its standard output. */
type Git = (args: readonly string[], cwd: string) => Promise<string>;

/** The longest beginning of `branch` that is one: the address of a page does not tell where a branch ends and a path begins. */
async function branchOf({ branch, pathMayFollowBranch, remoteUri }: CloneRequest, cwd: string, git: Git): Promise<string> {
  if (!pathMayFollowBranch || !branch.includes("/")) return branch;
  const refs = (await git(["ls-remote", "--heads", "--tags", "--", remoteUri], cwd)).split("\n").map((line) => line.split("\t")[1] ?? "");
  const names = new Set(refs.map((ref) => ref.replace(/^refs\/(heads|tags)\//, "")));
  const parts = branch.split("/");
  const beginnings = parts.map((_, i) => parts.slice(0, parts.length - i).join("/"));
  return beginnings.find((name) => names.has(name)) ?? branch;
}

/** Not `git lfs install`, which wants hooks, and not required: a container without git-lfs can still do all that git can. */
const lfsFilters = [
  ["clean", "git-lfs clean -- %f"],
  ["smudge", "git-lfs smudge -- %f"],
  ["process", "git-lfs filter-process"],
  ["required", "false"],
] as const;

/** Submodules and large files; one that cannot be had is told in the log and costs no more than itself. */
async function fetchExtras(request: CloneRequest, partial: string, git: Git, context: JobContext): Promise<void> {
  const attempt = async (what: string, ...commands: readonly (readonly string[])[]): Promise<void> => {
    context.step(what);
    try {
      for (const command of commands) await git(command, partial);
    } catch (error) {
      if (context.signal.aborted || !(error instanceof JobError) || error.code === "data-disk-full") throw error;
      context.log(`${what} failed: ${error.message}\n`);
    }
  };
  if (request.submodules && existsSync(join(partial, ".gitmodules"))) {
    await attempt("Fetching submodules", [
      "submodule",
      "update",
      "--init",
      "--recursive",
      ...(request.depth > 0 ? ["--depth", String(request.depth)] : []),
    ]);
  }
  if (request.lfs && (await usesLfs(partial)))
    await attempt("Fetching large files", ...lfsFilters.map(([name, value]) => ["config", `filter.lfs.${name}`, value]), ["lfs", "pull"]);
}

/** Completes a shallow clone; a failure costs nothing but history. */
export async function unshallow(request: CloneRequest, target: string, runFolder: string, signal: AbortSignal): Promise<void> {
  if (!existsSync(join(target, ".git/shallow"))) return;
  const credentials = await serveCredentials(request.credentials, join(runFolder, "unshallow"));
  try {
    await runProcess(["git", ...safeGitOptions, ...credentials.gitOptions, "fetch", "--unshallow", "--quiet", "origin"], {
      cwd: target,
      env: { ...gitEnvironment, ...request.networkEnv },
      asOwner: true,
      signal,
    });
  } finally {
    await credentials.close();
  }
}

function checkRequest(request: CloneRequest): void {
  for (const uri of [request.remoteUri, request.upstreamRemoteUri].filter((u) => u !== "")) {
    const refused = refuseRemote(uri);
    if (refused !== undefined) throw new JobError("url-invalid", `${uri} was refused: ${refused}`);
  }
  for (const ref of [request.branch, request.tag, request.commit, request.ref, request.localBranch]) {
    if (ref !== "" && !isSafeRef(ref)) throw new JobError("ref-not-found", `'${ref}' cannot be a branch, tag or commit`);
  }
}

async function cloneInto(request: CloneRequest, partial: string, parent: string, git: Git): Promise<void> {
  const depth = request.depth > 0 ? ["--depth", String(request.depth), "--no-single-branch"] : [];
  const ref = request.branch !== "" ? request.branch : request.tag;
  const branch = ref === "" || request.commit !== "" ? [] : ["--branch", ref];
  const later = request.commit !== "" || request.ref !== "";
  await git(["clone", "--progress", ...depth, ...branch, ...(later ? ["--no-checkout"] : []), "--", request.remoteUri, partial], parent);
  if (request.commit !== "") {
    await git(["fetch", ...(request.depth > 0 ? ["--depth", String(request.depth)] : []), "origin", request.commit], partial).catch(
      async () => undefined,
    );
    await git(["checkout", "--detach", request.commit, "--"], partial);
  }
  if (request.ref !== "") {
    // Kept as a remote-tracking ref, so that pulling, and completing the history, know it too.
    const tracking = request.ref.replace(/^refs\//, "");
    await git(["config", "--add", "remote.origin.fetch", `+${request.ref}:refs/remotes/${tracking}`], partial);
    await git(["fetch", ...(request.depth > 0 ? ["--depth", String(request.depth)] : []), "origin"], partial);
    await git(["checkout", "-B", request.localBranch, "--track", `refs/remotes/${tracking}`, "--"], partial);
  } else if (request.localBranch !== "") await git(["checkout", "-B", request.localBranch], partial);
  if (request.upstreamRemoteUri !== "") await git(["remote", "add", "upstream", request.upstreamRemoteUri], partial);
  if (request.userName !== "") await git(["config", "user.name", request.userName], partial);
  if (request.userEmail !== "") await git(["config", "user.email", request.userEmail], partial);
}

async function usesLfs(folder: string): Promise<boolean> {
  return (await readFile(join(folder, ".gitattributes"), "utf8").catch(() => "")).includes("filter=lfs");
}

/** The last line of git's output that says something. */
function lastMeaningfulLine(stderr: string): string {
  const lines = stderr
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return lines.findLast((line) => /^(fatal|error|remote):/i.test(line)) ?? lines.at(-1) ?? "git gave no reason";
}

/** Working copies belong to the work user, whose number dev containers give their own user. */
export async function chownToWorkUser(path: string): Promise<void> {
  if (process.getuid?.() === 0) await chown(path, workUserId, workUserId);
}
