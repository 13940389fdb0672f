import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../lib/log.ts";
import { type Keychain, SafeStore } from "./safe-store.ts";
import { signInKey } from "./sign-in-key.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-key-"));
  path = join(folder, "sign-in-key");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A keychain that turns bytes around. */
function keychain(backend: string): Keychain {
  return {
    isEncryptionAvailable: () => true,
    getSelectedStorageBackend: () => backend,
    encryptString: (text) => Buffer.from(Buffer.from(text).map((byte) => byte ^ 1)),
    decryptString: (sealed) => Buffer.from(sealed.map((byte) => byte ^ 1)).toString(),
  };
}

const keyOf = async (backend: string, platform: NodeJS.Platform = "linux") =>
  signInKey(new SafeStore(keychain(backend), path, platform), silentLog);

test("a key is made once, is as long as it has to be, and is in no file in clear", async () => {
  const made = await keyOf("gnome_libsecret");
  expect(Buffer.from(made.key ?? "", "base64")).toHaveLength(32);
  expect(await keyOf("gnome_libsecret")).toEqual(made);
  expect(readFileSync(path, "utf8")).not.toContain(made.key);
});

test.each(["basic_text", "unknown"])("%s is given no key to keep", async (backend) => {
  expect(await keyOf(backend)).toEqual({ kind: "keychain", backend });
  expect(existsSync(path)).toBe(false);
});

test("a Mac has one keychain, whatever Linux calls its own", async () => {
  expect(await keyOf("basic_text", "darwin")).toMatchObject({ backend: "darwin", key: expect.any(String) });
});

test("a key that cannot be kept is none", async () => {
  mkdirSync(join(path, "in-the-way"), { recursive: true });
  expect(await keyOf("kwallet6")).toEqual({ kind: "keychain", backend: "kwallet6" });
});
