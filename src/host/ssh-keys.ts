import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ensureSshKeyPair } from "../lib/ssh-key-pair.ts";

/** Where the private key for one environment is, or will be. */
export function sshKeyPath(sshFolder: string, environmentId: string): string {
  return join(sshFolder, "keys", environmentId);
}

/** The key pair for one environment, made at the first use; gives the private key's path and the public key. */
export async function ensureSshKey(
  sshFolder: string,
  environmentId: string,
): Promise<{ readonly path: string; readonly publicKey: string }> {
  const path = sshKeyPath(sshFolder, environmentId);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  return { path, publicKey: await ensureSshKeyPair(path, "berth") };
}
