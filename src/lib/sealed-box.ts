import sodium from "libsodium-wrappers";

/** Lengths of X25519 keys. */
export const keyBytes = 32;

export interface KeyPair {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

/** A new X25519 pair. */
export async function newKeyPair(): Promise<KeyPair> {
  await sodium.ready;
  const { publicKey, privateKey } = sodium.crypto_box_keypair();
  return { publicKey, privateKey };
}

/** Closes a value so that only the private key of the pair opens it: a NaCl sealed box (libsodium's crypto_box_seal). */
export async function sealTo(publicKey: Uint8Array, value: string): Promise<Uint8Array> {
  await sodium.ready;
  return sodium.crypto_box_seal(new TextEncoder().encode(value), publicKey);
}

/** The value of a sealed box; fails when it is of another key or was changed. */
export async function openSealed({ publicKey, privateKey }: KeyPair, sealed: Uint8Array): Promise<string> {
  await sodium.ready;
  return new TextDecoder("utf-8", { fatal: true }).decode(sodium.crypto_box_seal_open(sealed, publicKey, privateKey));
}
