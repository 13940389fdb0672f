import { execFile } from "node:child_process";
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { createReadStream, createWriteStream, existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { BerthError } from "../../contract/berth-error.ts";
import { syncFolder } from "../../lib/atomic-file.ts";
import { messageOf } from "../../lib/log.ts";
import { readRelease, refusalOfRelease, type Release } from "../../lib/release.ts";
import type { RunnerConfig } from "./runner-config.ts";

const run = promisify(execFile);
const fetchTimeoutMs = 30_000;
const downloadTimeoutMs = 3600_000;
const unpackTimeoutMs = 10 * 60_000;
const maxReleaseBytes = 64 * 1024;
/** Node, the programs and a machine image. */
const maxPackageBytes = 4 * 1024 ** 3;

export interface FoundUpdate {
  /** It lies in `versions` under this name, whole and checked. */
  readonly version: string;
}

export interface UpdateFinderOptions {
  readonly update: RunnerConfig["update"];
  /** Nothing when this build carries no key: then there are no updates. */
  readonly publicKey: KeyObject | undefined;
  readonly versionsFolder: string;
  readonly fetch: typeof fetch;
}

/** The public half of the key that signs releases, which comes with the programs. */
export function updateKey(appFolder: string): KeyObject | undefined {
  const path = join(appFolder, "update-key.pem");
  return existsSync(path) ? createPublicKey(readFileSync(path)) : undefined;
}

/**
 * Looks for a release that our key signed and that is newer, and unpacks it. Nothing of it is used before its signature, its
 * version and its checksum were checked. Fails with `runner-update-failed`.
 */
export async function findUpdate(options: UpdateFinderOptions, current: string, signal: AbortSignal): Promise<FoundUpdate | undefined> {
  const { update, publicKey } = options;
  if (update.feed === undefined) throw new BerthError("runner-update-failed", "no feed of releases was set");
  if (publicKey === undefined) throw new BerthError("runner-update-failed", "this build carries no key to check releases with");
  try {
    const base = `${update.feed.replace(/\/$/, "")}/${update.channel}`;
    const [content, signature] = await Promise.all(
      ["release.json", "release.json.sig"].map(async (name) => small(options.fetch, `${base}/${name}`, signal)),
    );
    const release = readRelease(content ?? Buffer.alloc(0), signature ?? Buffer.alloc(0), publicKey);
    if (refusalOfRelease(release, current, update.channel) !== undefined) return undefined;
    await unpack(options, base, release, signal);
    return { version: release.version };
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof BerthError ? error : new BerthError("runner-update-failed", messageOf(error), { cause: error });
  }
}

/** The name of a release's package for headless runners on this computer. */
export function packageName(version: string): string {
  return `berth-runner-${version}-linux-${process.arch}.tar.gz`;
}

async function unpack(
  { versionsFolder, fetch: fetchUrl }: UpdateFinderOptions,
  base: string,
  release: Release,
  signal: AbortSignal,
): Promise<void> {
  const name = packageName(release.version);
  const file = release.files.find((one) => one.name === name);
  if (file === undefined) throw new Error(`the release has no ${name}`);
  const folder = join(versionsFolder, release.version);
  const download = join(versionsFolder, `.${release.version}.tar.gz`);
  const unpacked = join(versionsFolder, `.${release.version}`);
  try {
    await fetchFile(fetchUrl, `${base}/${name}`, download, signal);
    if ((await sha512Of(download)) !== file.sha512) throw new Error(`${name} is not what was signed`);
    await rm(unpacked, { recursive: true, force: true });
    await mkdir(unpacked, { mode: 0o700 });
    await run("tar", ["--extract", "--gzip", "--no-same-owner", `--file=${download}`, `--directory=${unpacked}`], {
      signal,
      timeout: unpackTimeoutMs,
    });
    if (!existsSync(join(unpacked, "app", "runner.mjs"))) throw new Error(`${name} holds no runner`);
    await chmod(join(unpacked, "node"), 0o755);
    await rm(folder, { recursive: true, force: true });
    await rename(unpacked, folder);
    await syncFolder(versionsFolder);
  } finally {
    await rm(download, { force: true });
    await rm(unpacked, { recursive: true, force: true });
  }
}

async function small(fetchUrl: typeof fetch, url: string, signal: AbortSignal): Promise<Buffer> {
  const answer = await fetchUrl(url, { redirect: "error", signal: AbortSignal.any([signal, AbortSignal.timeout(fetchTimeoutMs)]) });
  if (!answer.ok) throw new Error(`the feed answered ${answer.status}`);
  const chunks: Uint8Array[] = [];
  let received = 0;
  // What is too long is not read to its end.
  for await (const chunk of answer.body ?? []) {
    received += chunk.byteLength;
    if (received > maxReleaseBytes) throw new Error("the feed's answer is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function fetchFile(fetchUrl: typeof fetch, url: string, path: string, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(downloadTimeoutMs)]);
  const answer = await fetchUrl(url, { redirect: "error", signal: limit });
  if (!answer.ok || answer.body === null) throw new Error(`the feed answered ${answer.status}`);
  let received = 0;
  const bounded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      received += chunk.length;
      if (received > maxPackageBytes) done(new Error("the package is too large"));
      else done(null, chunk);
    },
  });
  await pipeline(Readable.fromWeb(answer.body), bounded, createWriteStream(path, { mode: 0o600, flush: true }), { signal: limit });
}

async function sha512Of(path: string): Promise<string> {
  const hash = createHash("sha512");
  await pipeline(createReadStream(path), hash);
  return hash.digest("base64");
}
