import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { UpdateState } from "../contract/desktop-bridge.ts";
import { silentLog } from "../lib/log.ts";
import { compareVersions } from "../lib/release.ts";
import { UpdateKeeper } from "./updates.ts";

const folder = mkdtempSync(join(tmpdir(), "berth-updates-"));
afterAll(() => rmSync(folder, { recursive: true }));
const ours = generateKeyPairSync("ed25519");
const theirs = generateKeyPairSync("ed25519");
const sha512 = (content: string): string => createHash("sha512").update(content).digest("base64");

interface Feed {
  readonly version: string;
  readonly channel: "stable" | "beta";
  readonly key: KeyObject;
  /** What the feed's own list says, what the file holds. */
  readonly offered: string;
  readonly file: string;
  readonly settings: { readonly updateFeed: string; readonly updateChannel: "stable" | "beta" };
  readonly carriesKey: boolean;
}

const good: Feed = {
  version: "1.1.0",
  channel: "stable",
  key: ours.privateKey,
  offered: "new",
  file: "new",
  settings: { updateFeed: "https://updates.test", updateChannel: "stable" },
  carriesKey: true,
};

/** What becomes of a feed, and whether anything was downloaded. */
async function check(change: Partial<Feed>): Promise<{ state: UpdateState; downloads: number; requests: readonly string[] }> {
  const feed = { ...good, ...change };
  const release = Buffer.from(
    JSON.stringify({
      product: "berth",
      channel: feed.channel,
      version: feed.version,
      files: [{ name: "Berth.AppImage", sha512: sha512("new") }],
    }),
  );
  let downloads = 0;
  const requests: string[] = [];
  const keeper = new UpdateKeeper({
    version: "1.0.0",
    publicKey: feed.carriesKey ? ours.publicKey : undefined,
    settings: () => feed.settings,
    token: async () => "canary",
    updater: async () => ({
      requestHeaders: null,
      setFeedURL: () => undefined,
      checkForUpdates: async () => ({ updateInfo: { version: feed.version, files: [{ sha512: sha512(feed.offered) }] } }),
      downloadUpdate: async () => {
        downloads++;
        const path = join(folder, "download");
        writeFileSync(path, feed.file);
        return [path];
      },
      quitAndInstall: () => undefined,
    }),
    fetch: async (url) => {
      requests.push(url);
      return new Response(url.endsWith(".sig") ? sign(null, release, feed.key) : release);
    },
    onState: () => undefined,
    log: silentLog,
  });
  await keeper.check();
  return { state: keeper.state, downloads, requests };
}

test("a newer release that our key signed is made ready", async () => {
  expect(await check({})).toMatchObject({ state: { phase: "ready", version: "1.1.0" }, downloads: 1 });
});

test("an older release, though signed, is not even downloaded", async () => {
  expect(await check({ version: "0.9.0" })).toMatchObject({ state: { phase: "idle" }, downloads: 0 });
  expect(await check({ version: "1.0.0" })).toMatchObject({ downloads: 0 });
});

test("a release signed by another key is refused before anything is downloaded", async () => {
  expect(await check({ key: theirs.privateKey })).toMatchObject({ state: { phase: "failed" }, downloads: 0 });
});

test("files that the signed release does not name are refused before they are downloaded", async () => {
  expect(await check({ offered: "evil" })).toMatchObject({ state: { phase: "failed" }, downloads: 0 });
});

test("a truncated file never becomes ready", async () => {
  expect(await check({ file: "ne" })).toMatchObject({ state: { phase: "failed" } });
});

test("a beta is for those who chose it", async () => {
  const beta = { version: "1.1.0-beta.1", channel: "beta" } as const;
  expect(await check(beta)).toMatchObject({ downloads: 0 });
  expect(await check({ ...beta, settings: { ...good.settings, updateChannel: "beta" } })).toMatchObject({ state: { phase: "ready" } });
});

test("without a feed or without a key nobody is asked", async () => {
  expect((await check({ settings: { ...good.settings, updateFeed: "" } })).requests).toEqual([]);
  expect(await check({ carriesKey: false })).toMatchObject({ state: { phase: "off" }, requests: [] });
});

test("versions are in order", () => {
  const sorted = ["1.0.0-beta.2", "1.0.0-beta.10", "1.0.0", "1.0.1", "1.9.0", "1.10.0"];
  expect(sorted.toReversed().toSorted(compareVersions)).toEqual(sorted);
});
