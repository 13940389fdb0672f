import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parsePlaneUrl } from "./plane-client.ts";
import { FileTokenStore, type Keychain, SealedTokenStore, type StoredSignIn, takeOverSignIn } from "./token-store.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-tokens-"));
  path = join(folder, "sign-in");
});

afterEach(() => rmSync(folder, { recursive: true }));

const signIn: StoredSignIn = {
  version: 1,
  planeUrl: "https://plane.example/",
  organizationId: "o",
  accountId: "a",
  name: "Ada",
  refreshToken: "canary-refresh",
  accessToken: "canary-access",
  accessTokenExpiresAtMs: 1,
};

/** A keychain that turns bytes around; another one's are none of its own. */
function keychain(backend: string, { key = 1, available = true } = {}): Keychain {
  return {
    isAvailable: () => Promise.resolve(available),
    backend: () => Promise.resolve(backend),
    seal: (text) => Promise.resolve(Buffer.from(text).map((byte) => byte ^ key)),
    open: (sealed) => Promise.resolve(Buffer.from(sealed.map((byte) => byte ^ key)).toString()),
  };
}

test("a keychain's sign-in outlives the process, and is in no file in clear", async () => {
  await new SealedTokenStore(keychain("gnome_libsecret"), path).save(signIn);
  expect(readFileSync(path).includes("canary")).toBe(false);
  const next = new SealedTokenStore(keychain("gnome_libsecret"), path);
  expect(await next.load()).toEqual(signIn);
  expect(await next.sessionOnlyBecause()).toBeUndefined();
  expect(await new SealedTokenStore(keychain("gnome_libsecret", { key: 2 }), path).load()).toBeUndefined();
  await next.clear();
  expect(existsSync(path)).toBe(false);
});

test.each([
  ["basic_text", true],
  ["unknown", true],
  ["gnome_libsecret", false],
])(
  "without a keychain that keeps secrets (%s, there: %s) the sign-in ends with the process, and the person is told",
  async (backend, available) => {
    writeFileSync(path, "of an earlier keychain");
    const store = new SealedTokenStore(keychain(backend, { available }), path);
    expect(await store.sessionOnlyBecause()).toContain("keychain");
    await store.save(signIn);
    expect(await store.load()).toEqual(signIn);
    expect(existsSync(path)).toBe(false);
    expect(await new SealedTokenStore(keychain(backend, { available }), path).load()).toBeUndefined();
  },
);

test("a plane's address is https, or on this computer", () => {
  expect(parsePlaneUrl("plane.example").href).toBe("https://plane.example/");
  expect(parsePlaneUrl("https://plane.example/some/path?x").href).toBe("https://plane.example/");
  expect(parsePlaneUrl("http://127.0.0.1:8080").href).toBe("http://127.0.0.1:8080/");
  for (const text of [
    "http://plane.example",
    "ftp://plane.example",
    "https://user@plane.example",
    "http://127.0.0.1.evil.example",
    "",
    "javascript:alert(1)",
  ])
    expect(() => parsePlaneUrl(text), text).toThrow("argument-invalid");
});

test("a sign-in in the clear is sealed in the place of an earlier one, and its file goes", async () => {
  const clearPath = join(folder, "sign-in.json");
  const sealed = new SealedTokenStore(keychain("gnome_libsecret"), path);
  await takeOverSignIn(clearPath, sealed);
  expect(await sealed.load()).toBeUndefined();
  await sealed.save({ ...signIn, name: "Earlier" });
  await new FileTokenStore(clearPath).save(signIn);
  await takeOverSignIn(clearPath, sealed);
  expect(readdirSync(folder)).toEqual(["sign-in"]);
  expect(await new SealedTokenStore(keychain("gnome_libsecret"), path).load()).toEqual(signIn);
});

test("where no keychain keeps it a sign-in in the clear lives on in the process, and its file goes", async () => {
  const clearPath = join(folder, "sign-in.json");
  await new FileTokenStore(clearPath).save(signIn);
  const sealed = new SealedTokenStore(keychain("basic_text"), path);
  await takeOverSignIn(clearPath, sealed);
  expect(readdirSync(folder)).toEqual([]);
  expect(await sealed.load()).toEqual(signIn);
});

test("a process without the keychain says where the sign-in is, can sign in anew, and signs out of both", async () => {
  const clear = new FileTokenStore(join(folder, "sign-in.json"), path);
  await new SealedTokenStore(keychain("gnome_libsecret"), path).save(signIn);
  await expect(clear.load()).rejects.toMatchObject({ code: "sign-in-required", detail: expect.stringContaining("open the app") });
  await clear.save({ ...signIn, name: "Anew" });
  expect(await clear.load()).toMatchObject({ name: "Anew" });
  await clear.clear();
  expect(readdirSync(folder)).toEqual([]);
  expect(await clear.load()).toBeUndefined();
});
