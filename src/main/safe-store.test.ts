import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { SafeStore } from "./safe-store.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-safe-"));
afterAll(() => rmSync(folder, { recursive: true }));

function keychain(backend: string, key = 1) {
  const turn = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte) => byte ^ key));
  return {
    isEncryptionAvailable: () => true,
    getSelectedStorageBackend: () => backend,
    encryptString: (text: string) => turn(Buffer.from(`ok:${text}`)),
    decryptString: (sealed: Buffer) => {
      const text = turn(sealed).toString();
      if (!text.startsWith("ok:")) throw new Error("another key");
      return text.slice(3);
    },
  };
}

test("a secret is sealed, for this person alone, and found again", async () => {
  const path = join(folder, "a");
  expect(await new SafeStore(keychain("gnome_libsecret"), path, "linux").set("canary")).toBe(true);
  expect(readFileSync(path, "utf8")).not.toContain("canary");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await new SafeStore(keychain("gnome_libsecret"), path, "linux").get()).toBe("canary");
  expect(await new SafeStore(keychain("gnome_libsecret", 2), path, "linux").get()).toBe("");
});

test.each(["basic_text", "unknown"])("without a keychain (%s) nothing reaches the disk", async (backend) => {
  const path = join(folder, backend);
  const store = new SafeStore(keychain(backend), path, "linux");
  expect(await store.set("canary")).toBe(false);
  expect(existsSync(path)).toBe(false);
  expect(await store.get()).toBe("canary");
  expect(await new SafeStore(keychain(backend), path, "linux").get()).toBe("");
});

test("an empty secret removes the old one", async () => {
  const path = join(folder, "b");
  const store = new SafeStore(keychain("kwallet6"), path, "linux");
  await store.set("canary");
  await store.set("");
  expect(existsSync(path)).toBe(false);
});
