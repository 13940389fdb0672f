import { expect, test } from "vitest";
import { newKeyPair, openSealed, sealTo } from "./sealed-box.ts";

test("a sealed box opens with the private key of its pair, and no two are the same", async () => {
  const pair = await newKeyPair();
  const [one, two] = [await sealTo(pair.publicKey, "ghp_ü"), await sealTo(pair.publicKey, "ghp_ü")];
  expect(await openSealed(pair, one)).toBe("ghp_ü");
  expect(Buffer.from(one).equals(two)).toBe(false);
  expect(Buffer.from(one).includes("ghp_")).toBe(false);
});

test("another pair opens nothing, nor does what was changed", async () => {
  const pair = await newKeyPair();
  const sealed = await sealTo(pair.publicKey, "value");
  await expect(openSealed(await newKeyPair(), sealed)).rejects.toThrow();
  for (const index of [0, 31, 32, sealed.length - 1]) {
    const changed = Uint8Array.from(sealed);
    changed[index] = (changed[index] ?? 0) ^ 1;
    await expect(openSealed(pair, changed)).rejects.toThrow();
  }
  await expect(openSealed(pair, sealed.subarray(0, 20))).rejects.toThrow();
});

test("a box that another implementation of NaCl made opens here", async () => {
  // Made by tweetnacl-sealedbox-js 1.2.0 for this private key.
  const privateKey = new Uint8Array(32).fill(1);
  const publicKey = Buffer.from("a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209", "hex");
  const sealed = Buffer.from(
    "f5c7fd74f6fd506d8dc354aa7aff717f5c1b68b3a7a10ca2549b63f1c996b7521800f7fc93e26e1112be82b79066fe1871f3c87046",
    "hex",
  );
  expect(await openSealed({ publicKey, privateKey }, sealed)).toBe("value");
});
