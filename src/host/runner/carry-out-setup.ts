import { execFile } from "node:child_process";
import { chmod, cp, lchown, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, rmdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { BerthError } from "../../contract/berth-error.ts";
import { syncFolder, writeFileAtomically } from "../../lib/atomic-file.ts";
import { isErrno } from "../../lib/errno.ts";
import { messageOf } from "../../lib/log.ts";
import { runnerHome } from "../../lib/runner-messages.ts";
import { describeStep, runnerUser, type SetupStep } from "./setup-plan.ts";

const run = promisify(execFile);
const programTimeoutMs = 120_000;

/** Exchanges a token for a credential and saves it, 0600. */
export type Enrol = (
  request: { readonly planeUrl: string; readonly exchangeToken: string; readonly credentialPath: string },
  signal: AbortSignal,
) => Promise<void>;

/** What of a version is copied. */
export interface VersionSource {
  readonly nodePath: string;
  /** With the bundled programs. */
  readonly appFolder: string;
  /** Machine images that come along, where there are any. */
  readonly imagesFolder: string | undefined;
}

export interface SetupComputer {
  /** The folder that is the root of the file system. */
  readonly root: string;
  readonly source: VersionSource;
  readonly exchangeToken: string | undefined;
  readonly enrol: Enrol;
}

/** Carries a plan out, step after step, and tells each. Fails with `runner-step-failed`, or with what the plane says to the token. */
export async function carryOut(
  steps: readonly SetupStep[],
  computer: SetupComputer,
  tell: (step: SetupStep, done: boolean) => void,
  signal: AbortSignal,
): Promise<void> {
  for (const step of steps) {
    signal.throwIfAborted();
    tell(step, false);
    try {
      await (isInHome(step)
        ? asUser(computer.root, async () => carryOutStep(step, computer, signal))
        : carryOutStep(step, computer, signal));
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof BerthError) throw error;
      throw new BerthError("runner-step-failed", `${describeStep(step)}: ${messageOf(error)}`, { cause: error });
    }
    tell(step, true);
  }
}

function isInHome(step: SetupStep): boolean {
  if (step.kind === "enrol") return true;
  return "path" in step && step.kind !== "make-home" && step.kind !== "copy-version" && step.path.startsWith(`${runnerHome}/`);
}

async function carryOutStep(step: SetupStep, computer: SetupComputer, signal: AbortSignal): Promise<void> {
  const at = (path: string): string => join(computer.root, path);
  switch (step.kind) {
    case "write-file":
      await mkdir(dirname(at(step.path)), { recursive: true });
      return writeFileAtomically(at(step.path), step.content, step.mode);
    case "make-home":
      return makeHome(at(step.path), await userIn(computer.root, step.user));
    case "make-folder":
      await mkdir(at(step.path), { recursive: true, mode: step.mode });
      return chmod(at(step.path), step.mode);
    case "copy-version":
      return copyVersion(at(step.path), computer);
    case "link":
      return replaceLink(at(step.path), step.target);
    case "run":
      return runProgram(step.program, step.args, signal);
    case "enrol": {
      const { planeUrl, credentialPath } = step;
      if (computer.exchangeToken === undefined) throw new BerthError("internal", "there is no exchange token");
      return computer.enrol({ planeUrl, exchangeToken: computer.exchangeToken, credentialPath: at(credentialPath) }, signal);
    }
    case "leave-plane":
    case "remove":
      return remove(step.path, computer.root);
  }
}

/** Makes a link point elsewhere, so that at any moment it points to the old or the new target. */
export async function replaceLink(path: string, target: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await rm(temporary, { force: true });
  await symlink(target, temporary);
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/** A folder of this name is a whole version: it is copied beside the home, where the runner's user changes nothing, and moved in. */
async function copyVersion(path: string, { root, source: { nodePath, appFolder, imagesFolder } }: SetupComputer): Promise<void> {
  const staging = await mkdtemp(join(dirname(join(root, runnerHome)), ".berth-setup-"));
  try {
    const version = join(staging, "version");
    await mkdir(version, { mode: 0o700 });
    await cp(nodePath, join(version, "node"), { dereference: true });
    // In a package for desktops Node lies among the programs.
    await cp(appFolder, join(version, "app"), { recursive: true, filter: (path) => path !== nodePath });
    if (imagesFolder !== undefined) await cp(imagesFolder, join(version, "images"), { recursive: true });
    if (isRoot()) await own(staging, await userIn(root, runnerUser));
    await asUser(root, async () => {
      await rm(path, { recursive: true, force: true });
      await rename(version, path);
      await syncFolder(dirname(path));
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function makeHome(path: string, owner: Owner): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if (!isErrno(error, "EEXIST")) throw error;
  });
  if (!(await lstat(path)).isDirectory()) throw new BerthError("runner-step-failed", `${path} is no folder`);
  // Who sets an image up without being root cannot give files away; the image's builder does it.
  if (isRoot()) await lchown(path, owner.uid, owner.gid);
  await chmod(path, 0o700);
}

async function remove(path: string, root: string): Promise<void> {
  const full = join(root, path);
  if (path !== runnerHome) return rm(full, { recursive: true, force: true });
  const inner = await asUser(root, async () => readdir(full).catch(() => []));
  await asUser(root, async () => Promise.all(inner.map(async (name) => rm(join(full, name), { recursive: true, force: true }))));
  await rmdir(full).catch((error: unknown) => {
    if (!isErrno(error, "ENOENT")) throw error;
  });
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Does work with no more rights than the runner's user has, where this process has more; nothing else may be under way. */
async function asUser<T>(root: string, work: () => Promise<T>): Promise<T> {
  const { getegid, geteuid, setegid, seteuid } = process;
  if (!isRoot() || getegid === undefined || geteuid === undefined || setegid === undefined || seteuid === undefined) return work();
  const { uid, gid } = await userIn(root, runnerUser);
  const before = { uid: geteuid(), gid: getegid() };
  setegid(gid);
  seteuid(uid);
  try {
    return await work();
  } finally {
    seteuid(before.uid);
    setegid(before.gid);
  }
}

async function runProgram(program: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  try {
    await run(program, args, { signal, timeout: programTimeoutMs });
  } catch (error) {
    signal.throwIfAborted();
    const stderr = error instanceof Error && "stderr" in error && typeof error.stderr === "string" ? error.stderr.trim() : "";
    throw new BerthError("runner-step-failed", `${program}: ${stderr === "" ? messageOf(error) : stderr}`, { cause: error });
  }
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Read from the file, since the root may be another computer's. */
async function userIn(root: string, name: string): Promise<Owner> {
  const users = await readFile(join(root, "etc/passwd"), "utf8").catch((error: unknown) => {
    if (isErrno(error, "ENOENT")) return "";
    throw error;
  });
  const fields = users
    .split("\n")
    .map((line) => line.split(":"))
    .find(([user]) => user === name);
  if (fields === undefined) throw new BerthError("runner-step-failed", `there is no user ${name}`);
  return { uid: Number(fields[2]), gid: Number(fields[3]) };
}

/** Of a folder that nobody else can change meanwhile. */
async function own(path: string, owner: Owner): Promise<void> {
  await lchown(path, owner.uid, owner.gid);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) await own(inner, owner);
    else await lchown(inner, owner.uid, owner.gid);
  }
}
