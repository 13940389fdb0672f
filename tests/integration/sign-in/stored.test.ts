import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Sealer } from "../../../src/plane/seal.ts";
import { SigningKeys } from "../../../src/plane/signing-keys/signing-keys.ts";
import type { OAuthRecord } from "../../../src/plane/authorization-server/ports.ts";
import { removeExpiredSignIns } from "../../../src/plane/sign-in-store/remove-expired.ts";
import { StoredAuthorizations } from "../../../src/plane/sign-in-store/stored-authorizations.ts";
import { StoredSessions, StoredSignInStates } from "../../../src/plane/sign-in-store/stored-sign-ins.ts";
import { StoredSigningKeys } from "../../../src/plane/sign-in-store/stored-signing-keys.ts";
import { StoredVouchers } from "../../../src/plane/sign-in-store/stored-vouchers.ts";
import type { Voucher } from "../../../src/plane/sign-in/ports.ts";
import type { Store } from "../../../src/plane/store/store.ts";
import { postgresDatabases, sqliteDatabases } from "../store/databases.ts";

const parallel = 8;

/** With its bytes as such, where a database's client has a class of its own for them. */
function plain(record: OAuthRecord | undefined): OAuthRecord | undefined {
  return record === undefined ? undefined : { ...record, payload: new Uint8Array(record.payload) };
}

describe.each([sqliteDatabases(), postgresDatabases()])("what is kept of signing in, on $name", (databases) => {
  let store: Store;
  beforeAll(async () => databases.start());
  afterAll(async () => databases.stop());
  beforeEach(async () => (store = await databases.open(await databases.make())));
  afterEach(async () => store.close());

  const state = {
    stateHash: "state",
    providerId: "p",
    browserHash: "b",
    nonce: "n",
    codeVerifier: "v",
    returnPath: "/",
    expiresAtMs: 1_000_123,
  };
  const session = {
    idHash: "session",
    accountId: "a",
    organizationId: "o",
    providerId: "p",
    createdAtMs: 1_000,
    lastSeenAtMs: 1_001,
    expiresAtMs: 2_000,
  };
  const voucher: Voucher = {
    organizationId: "o",
    accountId: "a",
    providerId: "p",
    providerSubject: "s",
    sealedRefreshToken: new Uint8Array([4]),
    vouchedAtMs: 1_000,
    askedAtMs: 2_000,
    expiresAtMs: 5_000,
  };
  const record: OAuthRecord = {
    keyHash: "key",
    model: "RefreshToken",
    payload: new Uint8Array([1, 2]),
    grantHash: "grant",
    indexHash: "parent",
    subject: "o.a",
    expiresAtMs: 5_000,
  };
  const used = { consumedAtMs: 4_000, attemptHash: "attempt" };

  test("a begun sign-in is given to one of many who ask for it", async () => {
    const states = new StoredSignInStates(store);
    await states.put(state);
    const taken = await Promise.all(Array.from({ length: parallel }, async () => states.take("state")));
    expect(taken.filter((one) => one !== undefined)).toEqual([state]);
  });

  test("a session is kept, used, and ended alone or with all of its person in the organization", async () => {
    const sessions = new StoredSessions(store);
    await sessions.put(session);
    await sessions.put({ ...session, idHash: "second" });
    await sessions.put({ ...session, idHash: "elsewhere", organizationId: "other" });
    await sessions.touch("session", 1_500);
    expect(await sessions.get("session")).toEqual({ ...session, lastSeenAtMs: 1_500 });
    await sessions.remove("session");
    await sessions.touch("session", 1_600);
    expect(await sessions.get("session")).toBeUndefined();
    await sessions.removeAllOf("a", "o");
    expect(await sessions.get("second")).toBeUndefined();
    expect(await sessions.get("elsewhere")).toBeDefined();
  });

  test("a code or token is used up by one of many, and stays so when it is written again", async () => {
    const records = new StoredAuthorizations(store);
    await records.put(record);
    expect(plain(await records.get("key"))).toEqual(record);
    const answers = await Promise.all(Array.from({ length: parallel }, async () => records.consume("key", used)));
    expect(answers.filter(Boolean)).toHaveLength(1);
    await records.put({ ...record, payload: new Uint8Array([3]) });
    expect(plain(await records.get("key"))).toEqual({ ...record, payload: new Uint8Array([3]), ...used });
    expect(await records.consume("none", used)).toBe(false);
  });

  test("records are found by their index, and removed with their grant or their person", async () => {
    const records = new StoredAuthorizations(store);
    await records.put(record);
    await records.put({ ...record, keyHash: "other", model: "Session", grantHash: "other", subject: "o.b" });
    expect(plain(await records.getByIndex("RefreshToken", "parent"))).toEqual(record);
    expect(await records.getByIndex("RefreshToken", "none")).toBeUndefined();
    await records.removeByGrant("grant");
    expect(await records.get("key")).toBeUndefined();
    await records.removeBySubject("o.b");
    expect(await records.get("other")).toBeUndefined();
    await records.remove("other");
  });

  test("of many that add a first key, or the next one, one does", async () => {
    const keys = new StoredSigningKeys(store);
    const add = async (round: string, newest: string | undefined, purpose = "p") =>
      Promise.all(
        Array.from({ length: parallel }, async (_one, number) => {
          const kid = `${purpose}-${round}-${number}`;
          return keys.add({ kid, purpose, publicJwk: "{}", sealedPrivateJwk: new Uint8Array([number]), createdAtMs: 1_000 }, newest);
        }),
      );
    expect((await add("first", undefined)).filter(Boolean)).toHaveLength(1);
    const [first] = await keys.list("p");
    expect(first).toMatchObject({ purpose: "p", publicJwk: "{}", createdAtMs: 1_000 });
    expect((await add("second", first?.kid)).filter(Boolean)).toHaveLength(1);
    expect((await add("first", undefined, "q")).filter(Boolean)).toHaveLength(1);
    await keys.remove(first?.kid ?? "");
    expect(await keys.list("p")).toHaveLength(1);
  });

  test("by what a provider is asked is replaced, claimed by one of many who want to ask, and removed", async () => {
    const vouchers = new StoredVouchers(store);
    await vouchers.put({ ...voucher, providerId: "earlier" });
    await vouchers.put(voucher);
    const read = await vouchers.get("o", "a");
    expect(read && { ...read, sealedRefreshToken: new Uint8Array(read.sealedRefreshToken) }).toEqual(voucher);
    expect(await vouchers.get("o", "b")).toBeUndefined();
    const claims = await Promise.all(Array.from({ length: parallel }, async () => vouchers.claim(voucher, 3_000)));
    expect(claims.filter(Boolean)).toHaveLength(1);
    const claimed = { ...voucher, askedAtMs: 3_000 };
    const renewed = { ...claimed, sealedRefreshToken: new Uint8Array([5]), vouchedAtMs: 3_500 };
    const renewals = await Promise.all(Array.from({ length: parallel }, async () => vouchers.renew(claimed, renewed)));
    expect(renewals.filter(Boolean)).toHaveLength(1);
    expect([...((await vouchers.get("o", "a"))?.sealedRefreshToken ?? [])]).toEqual([5]);
    await vouchers.put(voucher);
    expect(await vouchers.renew(claimed, renewed)).toBe(false);
    expect([...((await vouchers.get("o", "a"))?.sealedRefreshToken ?? [])]).toEqual([4]);
    await vouchers.remove("o", "a");
    expect([await vouchers.claim(voucher, 4_000), await vouchers.renew(voucher, renewed)]).toEqual([false, false]);
    expect(await vouchers.get("o", "a")).toBeUndefined();
  });

  test("all that is sealed can be put under a new key, and the old one be thrown away", async () => {
    const folder = mkdtempSync(join(tmpdir(), "berth-keys-"));
    const [oldPath, newPath] = [join(folder, "old"), join(folder, "new")];
    const before = await Sealer.open(oldPath);
    const keysWith = (sealer: Sealer) => new SigningKeys(new StoredSigningKeys(store), sealer, "p", () => 1_000);
    const { kid } = await keysWith(before).signing();
    await new StoredAuthorizations(store).put({ ...record, payload: before.seal("payload", "authorization/key") });
    await new StoredVouchers(store).put({ ...voucher, sealedRefreshToken: before.seal("token", "voucher/o/a") });
    const both = await Sealer.open(newPath, [oldPath]);
    expect(await store.renewSealed((sealed, owner) => both.renew(sealed, owner))).toBe(3);
    const after = await Sealer.open(newPath);
    expect((await keysWith(after).signing()).kid).toBe(kid);
    const { payload = new Uint8Array() } = (await new StoredAuthorizations(store).get("key")) ?? {};
    expect(after.open(payload, "authorization/key")).toBe("payload");
    const { sealedRefreshToken = new Uint8Array() } = (await new StoredVouchers(store).get("o", "a")) ?? {};
    expect(after.open(sealedRefreshToken, "voucher/o/a")).toBe("token");
    rmSync(folder, { recursive: true });
  });

  test("what has ended is removed, and nothing else", async () => {
    const [states, sessions, records] = [new StoredSignInStates(store), new StoredSessions(store), new StoredAuthorizations(store)];
    for (let number = 0; number < 120; number++) await records.put({ ...record, keyHash: `old-${number}` });
    await records.put({ ...record, keyHash: "young", expiresAtMs: 9_000 });
    await states.put({ ...state, expiresAtMs: 5_000 });
    await sessions.put(session);
    expect(await removeExpiredSignIns(store, 6_000)).toBe(true);
    expect(await removeExpiredSignIns(store, 6_000)).toBe(false);
    expect(await records.get("old-119")).toBeUndefined();
    expect(await states.take("state")).toBeUndefined();
    expect(await sessions.get("session")).toBeUndefined();
    expect(await records.get("young")).toBeDefined();
  });
});
