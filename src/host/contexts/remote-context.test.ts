import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Keychain } from "../../bridge/token-store.ts";
import { Context_State } from "../../contract/gen/berth/v1/context_pb.js";
import { silentLog } from "../../lib/log.ts";
import { Contexts } from "./contexts.ts";

let folder: string;

beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "berth-contexts-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const signal = new AbortController().signal;

async function open(options: { readonly keychain?: Keychain; readonly now?: () => number } = {}): Promise<Contexts> {
  return Contexts.open({
    folder,
    keychain: options.keychain,
    log: silentLog,
    now: options.now ?? Date.now,
    onListed: () => undefined,
    random: () => 1,
  });
}

/** A sign-in as it is kept, to a plane that is never there. */
function keepSignIn(id: string): void {
  const signIn = {
    ...{ version: 1, planeUrl: "http://127.0.0.1:1/", organizationId: "org-1", accountId: "ada", name: "Ada" },
    ...{ refreshToken: "", accessToken: "berth_pat_secret", accessTokenExpiresAtMs: Number.MAX_SAFE_INTEGER },
  };
  writeFileSync(join(folder, id, "sign-in.json"), JSON.stringify(signIn), { mode: 0o600 });
}

test("contexts outlive the host, two names that differ in case alone are one, and those without a name get the host's", async () => {
  const contexts = await open();
  await contexts.add("plane.example", "Work");
  await contexts.add("https://plane.example:8443/x?y", "");
  await expect(contexts.add("https://other.example", "WORK")).rejects.toMatchObject({ code: "context-name-taken" });
  const again = await open();
  expect(again.all.map(({ record }) => [record.name, record.planeUrl])).toEqual([
    ["plane.example-8443", "https://plane.example:8443/"],
    ["Work", "https://plane.example/"],
  ]);
  expect(() => again.get("none")).toThrow(expect.objectContaining({ code: "context-not-found" }));
});

test("contexts that are added at the same time are all kept, and no more than a computer can have", async () => {
  const contexts = await open();
  const added = await Promise.allSettled(Array.from({ length: 55 }, async () => contexts.add("https://plane.example", "")));
  expect(added.filter(({ status }) => status === "fulfilled")).toHaveLength(50);
  expect(added.at(-1)).toMatchObject({ reason: { code: "context-limit" } });
  expect((await open()).all).toHaveLength(50);
});

test("a list that cannot be read is put aside", async () => {
  writeFileSync(join(folder, "contexts.json"), '{"version":1,"contexts":[{"id":"../../etc"}]}');
  const contexts = await open();
  expect(contexts.all).toEqual([]);
  await contexts.add("https://plane.example", "");
  expect(readdirSync(folder)).toContain("contexts.json.damaged");
  expect((await open()).all).toHaveLength(1);
});

test("a plane that is away is tried ever less often by clocks, and at once by people", async () => {
  let nowMs = 1_000_000;
  const contexts = await open({ now: () => nowMs });
  const context = await contexts.add("http://127.0.0.1:1", "away");
  keepSignIn(context.record.id);
  const polls = async (): Promise<unknown> => context.environments({ polling: true }, signal).catch((error: unknown) => error);
  expect(await polls()).toMatchObject({ code: "plane-unreachable", detail: expect.stringContaining("ECONNREFUSED") });
  expect(await context.view()).toMatchObject({ state: Context_State.OFFLINE, accountName: "Ada" });
  const waits: number[] = [];
  for (let n = 0; n < 8; n++) {
    const waitMs = context.tryAgainAtMs - nowMs;
    waits.push(waitMs);
    nowMs += waitMs - 1;
    await polls();
    expect(context.tryAgainAtMs).toBe(nowMs + 1);
    nowMs += 1;
    await polls();
  }
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  await expect(context.environments({ polling: false }, signal)).rejects.toMatchObject({ code: "plane-unreachable" });
});

test("a sign-in file that others can read signs nobody in, and says so", async () => {
  const contexts = await open();
  const { record } = await contexts.add("http://127.0.0.1:1", "open");
  const path = join(folder, record.id, "sign-in.json");
  keepSignIn(record.id);
  chmodSync(path, 0o644);
  expect(await contexts.get(record.id).view()).toMatchObject({
    state: Context_State.SIGNED_OUT,
    detail: expect.stringContaining("can be read by others"),
  });
});

test("without a keychain that keeps secrets the sign-in is told to end with the process, and is in no file", async () => {
  const keychain: Keychain = {
    isAvailable: () => Promise.resolve(true),
    backend: () => Promise.resolve("basic_text"),
    seal: (text) => Promise.resolve(Buffer.from(text)),
    open: (sealed) => Promise.resolve(Buffer.from(sealed).toString()),
  };
  const contexts = await open({ keychain });
  const context = await contexts.add("https://plane.example", "");
  expect(await context.view()).toMatchObject({ sessionOnlyBecause: expect.stringContaining("no keychain that keeps secrets") });
  expect(readFileSync(join(folder, "contexts.json"), "utf8")).not.toContain("token");
});
