import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../lib/log.ts";
import { PlaneSession } from "./plane-session.ts";
import { FileTokenStore, type StoredSignIn } from "./token-store.ts";

let folder: string;

beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "berth-session-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const signIn: StoredSignIn = {
  ...{ version: 1, planeUrl: "http://127.0.0.1:1/", organizationId: "org-1", accountId: "ada", name: "Ada" },
  ...{ refreshToken: "refresh", accessToken: "access", accessTokenExpiresAtMs: 0 },
};

test.each([
  { name: "a folder that is not there", lock: join("gone", "sign-in.lock"), detail: /gone.*unable to open/ },
  { name: "a lock file that is none", lock: "sign-in.lock", detail: /sign-in\.lock.*not a database/ },
])("$name is told as what it is, and nobody is signed out", async ({ lock, detail }) => {
  writeFileSync(join(folder, "sign-in.lock"), "something else".repeat(100));
  const store = new FileTokenStore(join(folder, "sign-in.json"));
  await store.save(signIn);
  const session = new PlaneSession({ store, lockPath: join(folder, lock), log: silentLog, now: () => Date.now() });
  const failure = { code: "sign-in-not-usable", detail: expect.stringMatching(detail) };
  await expect(session.accessToken(new AbortController().signal)).rejects.toMatchObject(failure);
  await expect(session.signOut()).rejects.toMatchObject(failure);
  expect(await session.who()).toMatchObject({ name: "Ada" });
});

test("a sign-in that the desktop app keeps sealed is in nobody's way: one can sign in anew, and out", async () => {
  const session = new PlaneSession({
    ...{ store: new FileTokenStore(join(folder, "sign-in.json"), join(folder, "sign-in.sealed")), log: silentLog },
    ...{ lockPath: join(folder, "sign-in.lock"), now: () => 0 },
  });
  writeFileSync(join(folder, "sign-in.sealed"), "sealed");
  await expect(session.who()).rejects.toMatchObject({ code: "sign-in-required" });
  expect(await session.signOut()).toEqual({ revoked: false });
  expect(await session.who()).toBeUndefined();
  writeFileSync(join(folder, "sign-in.sealed"), "sealed");
  await session.begin(signIn);
  expect(await session.who()).toMatchObject({ name: "Ada" });
});
