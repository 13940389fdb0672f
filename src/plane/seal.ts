import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { link, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { syncFolder, writeFileAtomically } from "../lib/atomic-file.ts";

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** Seals values with AES-256-GCM; what a value belongs to is bound in, so that rows cannot be swapped. */
export class Sealer {
  readonly #key: Buffer;
  readonly #oldKeys: readonly Buffer[];

  private constructor(key: Buffer, oldKeys: readonly Buffer[]) {
    this.#key = key;
    this.#oldKeys = oldKeys;
  }

  /** Reads the key file, or makes it with mode 0600 when it is not there. What old keys sealed can be opened as well. */
  static async open(path: string, oldPaths: readonly string[] = []): Promise<Sealer> {
    if (!existsSync(path)) await makeKey(path);
    return new Sealer(readKey(path), oldPaths.map(readKey));
  }

  /** With a key that another process keeps. */
  static ofKey(key: Buffer): Sealer {
    return new Sealer(checked(key, "what was given"), []);
  }

  /** A key of its own for another use (HKDF, RFC 5869). */
  deriveKey(use: string): Uint8Array {
    return new Uint8Array(hkdfSync("sha256", this.#key, "", use, keyBytes));
  }

  seal(value: string, belongsTo: string): Uint8Array {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce).setAAD(Buffer.from(belongsTo));
    return Buffer.concat([nonce, cipher.update(value, "utf8"), cipher.final(), cipher.getAuthTag()]);
  }

  open(sealed: Uint8Array, belongsTo: string): string {
    for (const oldKey of this.#oldKeys) {
      try {
        return unseal(oldKey, sealed, belongsTo);
      } catch {
        // Then another key sealed it.
      }
    }
    return unseal(this.#key, sealed, belongsTo);
  }

  /** The same value under the newest key; undefined when it is under that already. */
  renew(sealed: Uint8Array, belongsTo: string): Uint8Array | undefined {
    try {
      unseal(this.#key, sealed, belongsTo);
      return undefined;
    } catch {
      return this.seal(this.open(sealed, belongsTo), belongsTo);
    }
  }
}

function readKey(path: string): Buffer {
  return checked(readFileSync(path), path);
}

function checked(key: Buffer, name: string): Buffer {
  if (key.length !== keyBytes) throw new Error(`${name} is no key of ${keyBytes} bytes`);
  return key;
}

function unseal(key: Buffer, sealed: Uint8Array, belongsTo: string): string {
  const bytes = Buffer.from(sealed);
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
    .setAAD(Buffer.from(belongsTo))
    .setAuthTag(bytes.subarray(-tagBytes));
  return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]).toString("utf8");
}

/** Of two processes that start at once one makes the key, and both use it: a replaced key would lose what it sealed. */
async function makeKey(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const made = `${path}.${randomBytes(6).toString("hex")}`;
  await writeFileAtomically(made, randomBytes(keyBytes), 0o600);
  try {
    await link(made, path);
  } catch (error) {
    if (!existsSync(path)) throw error;
  } finally {
    await rm(made, { force: true });
  }
  await syncFolder(dirname(path));
}
