import { createHash } from "node:crypto";

/** A key without options: those could run commands. */
const keyPattern =
  /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com) [A-Za-z0-9+/=]+( [^\n\r]*)?$/;

/** The content of an `authorized_keys` of these public keys; what is no key is left out. */
export function authorizedKeysText(keys: readonly string[]): string {
  return keys
    .filter((key) => keyPattern.test(key))
    .map((key) => `${key}\n`)
    .join("");
}

/** By it one side knows that the other has the same. */
export function authorizedKeysHash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
