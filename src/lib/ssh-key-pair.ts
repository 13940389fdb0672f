import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { link, mkdtemp, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { writeFileAtomically } from "./atomic-file.ts";

const run = promisify(execFile);
const keygenTimeoutMs = 60_000;

/**
 * The Ed25519 key pair at `path` and `path`.pub, made at the first use in a folder that is there; gives the public key in
 * OpenSSH's form.
 * Of callers that come at once one makes it, and all get the same: a key that others have seen is never replaced.
 */
export async function ensureSshKeyPair(path: string, comment: string): Promise<string> {
  if (!existsSync(path)) await makePrivateKey(path, comment);
  if (!existsSync(`${path}.pub`)) {
    const { stdout } = await run("ssh-keygen", ["-y", "-f", path], { timeout: keygenTimeoutMs });
    await writeFileAtomically(`${path}.pub`, `${stdout.trim()}\n`, 0o644);
  }
  return (await readFile(`${path}.pub`, "utf8")).trim();
}

async function makePrivateKey(path: string, comment: string): Promise<void> {
  const folder = await mkdtemp(join(dirname(path), ".key-"));
  try {
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", join(folder, "key")], { timeout: keygenTimeoutMs });
    await link(join(folder, "key"), path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
