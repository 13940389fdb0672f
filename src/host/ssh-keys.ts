import { execFile } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The key pair for one environment, made at the first use; gives the private key's path and the public key. */
export async function ensureSshKey(
  sshFolder: string,
  environmentId: string,
): Promise<{ readonly path: string; readonly publicKey: string }> {
  const folder = join(sshFolder, "keys");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, environmentId);
  if (!existsSync(`${path}.pub`)) await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "berth", "-f", path]);
  return { path, publicKey: (await readFile(`${path}.pub`, "utf8")).trim() };
}
