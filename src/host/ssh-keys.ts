import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ensureSshKeyPair } from "../lib/ssh-key-pair.ts";

/** The key pair for one environment, made at the first use; gives the private key's path and the public key. */
export async function ensureSshKey(
  sshFolder: string,
  environmentId: string,
): Promise<{ readonly path: string; readonly publicKey: string }> {
  const folder = join(sshFolder, "keys");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, environmentId);
  return { path, publicKey: await ensureSshKeyPair(path, "berth") };
}
