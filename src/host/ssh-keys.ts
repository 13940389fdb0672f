import { join } from "node:path";
import { ensureSshKeyPair } from "../lib/ssh-key-pair.ts";

/** The key pair for one environment, made at the first use; gives the private key's path and the public key. */
export async function ensureSshKey(
  sshFolder: string,
  environmentId: string,
): Promise<{ readonly path: string; readonly publicKey: string }> {
  const path = join(sshFolder, "keys", environmentId);
  return { path, publicKey: await ensureSshKeyPair(path, "berth") };
}
