import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Sealer } from "./seal.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-seal-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("all that open a new key at once get the same one, and nobody else may read it", async () => {
  const path = join(folder, "keys", "secrets.key");
  const sealers = await Promise.all(Array.from({ length: 60 }, async () => Sealer.open(path)));
  for (const writer of sealers)
    for (const reader of sealers) expect(reader.open(writer.seal("value", "secret/a"), "secret/a")).toBe("value");
  expect(readdirSync(join(folder, "keys"))).toEqual(["secrets.key"]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("a value opens for what it belongs to, unchanged, and with its key", async () => {
  const sealer = await Sealer.open(join(folder, "key"));
  const sealed = sealer.seal("päss\nword", "secret/a");
  expect(sealer.open(sealed, "secret/a")).toBe("päss\nword");
  expect(Buffer.from(sealed).includes("word")).toBe(false);
  expect(() => sealer.open(sealed, "secret/b")).toThrow();
  const touched = Uint8Array.from(sealed, (byte, at) => (at === 14 ? byte ^ 1 : byte));
  expect(() => sealer.open(touched, "secret/a")).toThrow();
  const other = await Sealer.open(join(folder, "other"));
  expect(() => other.open(sealed, "secret/a")).toThrow();
});

test("a file that is no key is refused", async () => {
  writeFileSync(join(folder, "key"), "short");
  await expect(Sealer.open(join(folder, "key"))).rejects.toThrow(/no key of 32 bytes/);
});

test("what an older key sealed is opened, and can be put under the newest; then the older is not needed", async () => {
  const [oldPath, newPath] = [join(folder, "old"), join(folder, "new")];
  const old = await Sealer.open(oldPath);
  const sealed = old.seal("value", "secret/1");
  const only = await Sealer.open(newPath);
  expect(() => only.open(sealed, "secret/1")).toThrow();
  const both = await Sealer.open(newPath, [oldPath]);
  expect(both.open(sealed, "secret/1")).toBe("value");
  expect(() => both.open(sealed, "secret/2")).toThrow();
  const renewed = both.renew(sealed, "secret/1") ?? new Uint8Array();
  expect(only.open(renewed, "secret/1")).toBe("value");
  expect(both.renew(renewed, "secret/1")).toBeUndefined();
  expect(() => both.renew(renewed, "secret/2")).toThrow();
  expect(() => old.open(renewed, "secret/1")).toThrow();
});
