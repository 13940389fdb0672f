import { EventEmitter } from "node:events";
import { afterEach, expect, test } from "vitest";
import { appKeychain } from "./app-keychain.ts";

afterEach(() => void Reflect.deleteProperty(process, "parentPort"));

/** The keychain of a host that the app gave this message. */
async function keychainAfter(message: unknown) {
  const port = new EventEmitter();
  Object.assign(process, { parentPort: port });
  const keychain = appKeychain();
  port.emit("message", { data: message, ports: [] });
  return keychain;
}

const key = Buffer.alloc(32, 7).toString("base64");

test("a host that no app has started has no keychain", async () => {
  expect(await appKeychain()).toBeUndefined();
});

test("what is sealed by the key that the app gave is opened by it, and by no other", async () => {
  const keychain = await keychainAfter({ kind: "keychain", backend: "gnome_libsecret", key });
  expect([await keychain?.isAvailable(), await keychain?.backend()]).toEqual([true, "gnome_libsecret"]);
  const sealed = await keychain?.seal("canary");
  expect(Buffer.from(sealed ?? []).includes("canary")).toBe(false);
  expect(await keychain?.open(sealed ?? new Uint8Array())).toBe("canary");
  const other = await keychainAfter({ kind: "keychain", backend: "gnome_libsecret", key: Buffer.alloc(32, 8).toString("base64") });
  await expect(other?.open(sealed ?? new Uint8Array())).rejects.toThrow(/authenticate/);
});

test.each([
  { kind: "keychain", backend: "basic_text" },
  { kind: "keychain", backend: "gnome_libsecret", key: "c2hvcnQ=" },
  "something else",
  undefined,
])("%o gives a keychain that keeps nothing, and no file in the clear", async (message) => {
  expect(await (await keychainAfter(message))?.isAvailable()).toBe(false);
});
