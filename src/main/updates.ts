import { createHash, type KeyObject } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { DesktopSettings, UpdateState } from "../contract/desktop-bridge.ts";
import { type Log, messageOf } from "../lib/log.ts";
import { offersOnlySigned, readRelease, refusalOfRelease, type Release } from "../lib/release.ts";

const checkIntervalMs = 4 * 3600_000;
const fetchTimeoutMs = 30_000;
const maxReleaseBytes = 64 * 1024;

/** The part of electron-updater in use. */
export interface Updater {
  setFeedURL(options: { provider: "generic"; url: string; channel: string }): void;
  checkForUpdates(): Promise<{
    readonly updateInfo: { readonly version: string; readonly files: readonly { readonly sha512: string }[] };
  } | null>;
  downloadUpdate(): Promise<readonly string[]>;
  quitAndInstall(): void;
  requestHeaders: Record<string, number | string | string[] | undefined> | null;
}

export interface UpdateKeeperOptions {
  readonly version: string;
  /** Nothing when this build carries no key: then there are no updates. */
  readonly publicKey: KeyObject | undefined;
  readonly settings: () => Pick<DesktopSettings, "updateChannel" | "updateFeed">;
  readonly token: () => Promise<string>;
  readonly updater: () => Promise<Updater>;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly onState: (state: UpdateState) => void;
  readonly log: Log;
}

/** Finds, checks and keeps an update ready. Only what our key signed and what is newer is ever downloaded. */
export class UpdateKeeper {
  readonly #options: UpdateKeeperOptions;
  #state: UpdateState;
  #checking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: UpdateKeeperOptions) {
    this.#options = options;
    this.#state = { phase: options.publicKey === undefined ? "off" : "idle", version: "", message: "" };
  }

  get state(): UpdateState {
    return this.#state;
  }

  start(): void {
    if (this.#options.publicKey === undefined) return;
    this.#timer = setInterval(() => void this.check(), checkIntervalMs);
    void this.check();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  /** Looks for an update now; does nothing while one is looked for or ready. */
  async check(): Promise<void> {
    if (this.#state.phase === "ready") return;
    this.#checking ??= this.#check().finally(() => (this.#checking = undefined));
    return this.#checking;
  }

  /** Starts the new version in this one's place. The caller has ended everything else. */
  async install(): Promise<void> {
    if (this.#state.phase === "ready") (await this.#options.updater()).quitAndInstall();
  }

  async #check(): Promise<void> {
    const { publicKey, settings, version, updater: load, log } = this.#options;
    const { updateFeed: feed, updateChannel: channel } = settings();
    if (publicKey === undefined || feed === "") return;
    this.#set({ phase: "checking", version: "", message: "" });
    try {
      const headers = await this.#headers();
      const release = await this.#release(feed, channel, publicKey, headers);
      const refusal = refusalOfRelease(release, version, channel);
      if (refusal !== undefined) return this.#set({ phase: "idle", version: "", message: "" });
      const updater = await load();
      updater.requestHeaders = headers;
      updater.setFeedURL({ provider: "generic", url: `${feed}/${channel}`, channel: "latest" });
      const found = await updater.checkForUpdates();
      if (found === null || !offersOnlySigned(release, found.updateInfo)) throw new Error("the feed offers files that were not signed");
      this.#set({ phase: "downloading", version: release.version, message: "" });
      await this.#download(updater, release);
      this.#set({ phase: "ready", version: release.version, message: "" });
    } catch (error) {
      log.warn("no update", { reason: messageOf(error) });
      this.#set({ phase: "failed", version: "", message: messageOf(error) });
    }
  }

  /** The updater compares the file with its own feed; we compare it with what was signed. */
  async #download(updater: Updater, release: Release): Promise<void> {
    const signed = new Set(release.files.map(({ sha512 }) => sha512));
    const [path] = await updater.downloadUpdate();
    if (path === undefined || !signed.has(await sha512Of(path))) throw new Error("the downloaded file is not what was signed");
  }

  async #release(feed: string, channel: string, publicKey: KeyObject, headers: Record<string, string>): Promise<Release> {
    const [content, signature] = await Promise.all(
      ["release.json", "release.json.sig"].map(async (name) => this.#get(`${feed}/${channel}/${name}`, headers)),
    );
    return readRelease(content ?? Buffer.alloc(0), signature ?? Buffer.alloc(0), publicKey);
  }

  async #get(url: string, headers: Record<string, string>): Promise<Buffer> {
    const answer = await this.#options.fetch(url, { headers, redirect: "error", signal: AbortSignal.timeout(fetchTimeoutMs) });
    if (!answer.ok) throw new Error(`the feed answered ${answer.status}`);
    const content = Buffer.from(await answer.arrayBuffer());
    if (content.length > maxReleaseBytes) throw new Error("the feed's answer is too long");
    return content;
  }

  async #headers(): Promise<Record<string, string>> {
    const token = await this.#options.token();
    return token === "" ? {} : { authorization: `Bearer ${token}` };
  }

  #set(state: UpdateState): void {
    this.#state = state;
    this.#options.onState(state);
  }
}

async function sha512Of(path: string): Promise<string> {
  const hash = createHash("sha512");
  await pipeline(createReadStream(path), hash);
  return hash.digest("base64");
}
