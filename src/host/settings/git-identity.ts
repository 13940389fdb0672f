import { execFile } from "node:child_process";
import { promisify } from "node:util";

const gitTimeoutMs = 2000;
const run = promisify(execFile);

/** Who commits. */
export interface GitIdentity {
  readonly name: string;
  readonly email: string;
}

/** Who commits on this computer, by git's own configuration of the person; empty where nothing is said. */
export async function computerGitIdentity(): Promise<GitIdentity> {
  const [name, email] = await Promise.all([globalSetting("user.name"), globalSetting("user.email")]);
  return { name, email };
}

async function globalSetting(key: string): Promise<string> {
  try {
    return (await run("git", ["config", "--global", "--get", "--", key], { timeout: gitTimeoutMs })).stdout.trim();
  } catch {
    // No git, or nothing set.
    return "";
  }
}
