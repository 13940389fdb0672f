import { createHash, randomBytes } from "node:crypto";

const secretBytes = 32;

/** 256 bits that nobody guesses. */
export function newSecret(): string {
  return randomBytes(secretBytes).toString("base64url");
}

/** What a secret is kept as: whoever reads the store cannot use it, and looking it up tells nothing by its time. */
export function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}
