import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { BerthError } from "../../contract/berth-error.ts";
import { isErrno } from "../../lib/errno.ts";
import { messageOf } from "../../lib/log.ts";
import { sha256OfFile } from "./image-folder.ts";

/** A server that sends nothing for so long is given up. */
const silenceLimitMs = 30_000;
/** Connections in a row that brought nothing, after which a mirror is left. */
const maxFruitless = 3;
/** Connections to one mirror for one file, however much each brought. */
const maxConnections = 100;
/** Complete files that are not the image, after which a mirror is left. */
const maxWrong = 2;
const maxRedirects = 5;
const loopbackNames: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);

export interface WantedFile {
  /** Where it goes; while it is incomplete it has `.partial` behind its name and is taken up there. */
  readonly path: string;
  readonly bytes: number;
  /** Hex sha256 of the whole. */
  readonly sha256: string;
  /** Addresses that have it, tried in order. */
  readonly urls: readonly URL[];
}

export interface DownloadOptions {
  readonly signal: AbortSignal;
  /** Told how much of the file is there. */
  readonly onProgress: (receivedBytes: number) => void;
}

/** A mirror that will not give the file, however often it is asked. */
class NotHere extends Error {}

/**
 * Downloads a file whose hash is known, and goes on with what an earlier call left. Fails with
 * `image-download-failed` when no address gave it as it should be, or `host-disk-full`.
 */
export async function downloadFile(file: WantedFile, options: DownloadOptions): Promise<void> {
  if ((await sizeOf(file.path)) === file.bytes && (await sha256OfFile(file.path)) === file.sha256) return options.onProgress(file.bytes);
  const reasons: string[] = [];
  for (const url of file.urls) {
    const reason = await downloadFrom(url, file, options);
    if (reason === undefined) return;
    reasons.push(`${url.href}: ${reason}`);
  }
  throw new BerthError("image-download-failed", reasons.join("; "));
}

/** Undefined when the file is there, else why it is not. */
async function downloadFrom(url: URL, file: WantedFile, options: DownloadOptions): Promise<string | undefined> {
  const partial = `${file.path}.partial`;
  let reason = "";
  let fruitless = 0;
  let wrong = 0;
  for (let connections = 0; fruitless < maxFruitless && connections < maxConnections; connections++) {
    const begunAt = await sizeOf(partial);
    try {
      if (begunAt < file.bytes) await receive(url, partial, file.bytes, options);
      if ((await sha256OfFile(partial)) === file.sha256) {
        await rename(partial, file.path);
        return undefined;
      }
      await rm(partial, { force: true });
      reason = "its bytes are not those of the image";
      // What was there before may have been what is wrong.
      if (begunAt === 0 || ++wrong === maxWrong) return reason;
    } catch (error) {
      options.signal.throwIfAborted();
      if (isErrno(error, "ENOSPC")) throw new BerthError("host-disk-full", `${file.path} has no room`, { cause: error });
      reason = error instanceof Error && error.cause instanceof Error ? `${error.message} (${error.cause.message})` : messageOf(error);
      if (error instanceof NotHere) return reason;
      fruitless = (await sizeOf(partial)) > begunAt ? 0 : fruitless + 1;
    }
  }
  return reason;
}

/** Appends to what is there until the file has all its bytes. */
async function receive(url: URL, partial: string, bytes: number, { signal, onProgress }: DownloadOptions): Promise<void> {
  const file = await open(partial, "a", 0o600);
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error("the server fell silent")), silenceLimitMs);
  try {
    const { size } = await file.stat();
    const headers = { "accept-encoding": "identity", ...(size === 0 ? {} : { range: `bytes=${size}-` }) };
    const response = await request(url, headers, AbortSignal.any([signal, silence.signal]));
    let received = await beginAt(response, file, size, bytes);
    for await (const chunk of response.body ?? []) {
      timer.refresh();
      received += chunk.length;
      if (received > bytes) throw new NotHere(`it has more than the ${bytes} bytes of the image`);
      await file.write(chunk);
      onProgress(received);
    }
    if (received < bytes) throw new Error(`the connection ended after ${received} of ${bytes} bytes`);
    await file.sync();
  } finally {
    clearTimeout(timer);
    await file.close();
  }
}

/** Where in the file an answer begins; all that was there goes when the server begins anew. */
async function beginAt(response: Response, file: FileHandle, size: number, bytes: number): Promise<number> {
  const range = response.headers.get("content-range");
  if (response.status === 206 && range?.startsWith(`bytes ${size}-`) === true && range.endsWith(`/${bytes}`)) return size;
  if (size > 0) await file.truncate(0);
  if (response.status === 200) return 0;
  await response.body?.cancel();
  if (response.status === 206 || response.status === 416) throw new Error("the server has another file of this name");
  const text = `the server answered ${response.status}`;
  throw response.status >= 500 ? new Error(text) : new NotHere(text);
}

/** Follows redirects within the scheme it began with. */
export async function request(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response> {
  checkAddress(url);
  let at = url;
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const response = await fetch(at, { headers, redirect: "manual", signal });
    const location = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || location === null) return response;
    await response.body?.cancel();
    at = new URL(location, at);
    if (at.protocol !== url.protocol) throw new NotHere(`it leads from ${url.protocol} to ${at.protocol}`);
    checkAddress(at);
  }
  throw new NotHere("it leads from one address to the next without end");
}

/** https, or http to this computer itself. */
function checkAddress(url: URL): void {
  if (url.protocol === "https:" || (url.protocol === "http:" && loopbackNames.has(url.hostname))) return;
  throw new NotHere("only https is trusted");
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
