import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ensureSshKeyPair } from "./ssh-key-pair.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "berth-key-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("all who ask at once get one key, which is the private key's", async () => {
  const path = join(folder, "id");
  const keys = await Promise.all(Array.from({ length: 12 }, async () => ensureSshKeyPair(path, "berth")));
  expect(new Set(keys).size).toBe(1);
  expect(execFileSync("ssh-keygen", ["-y", "-f", path], { encoding: "utf8" }).trim()).toBe(keys[0]);
  expect(readdirSync(folder).toSorted()).toEqual(["id", "id.pub"]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("a public key that was lost is made again from the private one", async () => {
  const path = join(folder, "id");
  const key = await ensureSshKeyPair(path, "berth");
  rmSync(`${path}.pub`);
  expect(await ensureSshKeyPair(path, "berth")).toBe(key);
});

test("no key is made in a folder that was removed, nor the folder", async () => {
  const removed = join(folder, "removed");
  await expect(ensureSshKeyPair(join(removed, "id"), "berth")).rejects.toThrow("ENOENT");
  expect(existsSync(removed)).toBe(false);
});
