import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../lib/log.ts";
import { describeImage, HttpImageDownload, type ImageProgress } from "./fetch-image.ts";
import type { ImageManifest } from "./manifest.ts";

const signal = new AbortController().signal;
const files = { kernel: randomBytes(5000), initrd: randomBytes(3000), "root.erofs": randomBytes(300_000) };
const hashOf = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");
const manifest: ImageManifest = {
  formatVersion: 1,
  arch: "amd64",
  inputs: hashOf("an image"),
  dataSchema: 1,
  files: { kernel: hashOf(files.kernel), initrd: hashOf(files.initrd), "root.erofs": hashOf(files["root.erofs"]) },
  sources: {},
};
const bytes = { kernel: 5000, initrd: 3000, "root.erofs": 300_000 };

type Answer = (request: IncomingMessage, response: ServerResponse, path: string) => void;

let store: string;
let base: string;
let closeServer: () => Promise<void>;
/** What the server does instead of its duty. */
let answer: Answer | undefined;
let asked: string[];

beforeEach(async () => {
  store = mkdtempSync(join(tmpdir(), "berth-fetch-"));
  answer = undefined;
  asked = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url ?? ""} ${request.headers.range ?? ""}`.trim());
    (answer ?? serve)(request, response, request.url ?? "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  closeServer = async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
});

afterEach(async () => {
  await closeServer();
  rmSync(store, { recursive: true, force: true });
});

function contentOf(path: string): Buffer | undefined {
  const name = path.split("/").at(-1) ?? "";
  if (name === "download.json") return Buffer.from(JSON.stringify(describeImage(manifest, bytes)));
  return Object.entries(files).find(([file]) => file === name)?.[1];
}

/** Any file below any folder, from where it is wanted. */
const serve: Answer = (request, response, path) => {
  const content = contentOf(path);
  if (content === undefined) return void response.writeHead(404).end();
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (from === 0) return void response.writeHead(200, { "content-length": content.length }).end(content);
  response.writeHead(206, { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` }).end(content.subarray(from));
};

function download(
  more: { readonly url?: string; readonly arch?: "amd64" | "arm64"; readonly onProgress?: (p: ImageProgress) => void } = {},
) {
  return new HttpImageDownload({ url: `${base}/a/download.json`, arch: "amd64", log: silentLog, ...more });
}

function expectImage(): void {
  const folder = join(store, manifest.inputs.slice(0, 32));
  for (const [name, content] of Object.entries(files)) expect(hashOf(readFileSync(join(folder, name))), name).toBe(hashOf(content));
  expect(JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"))).toEqual(manifest);
  expect(readdirSync(store).toSorted()).toEqual([manifest.inputs.slice(0, 32), "downloaded.json"].toSorted());
}

test("an image comes whole, tells how far it is, and is not asked for again", async () => {
  const progress: ImageProgress[] = [];
  const wanted = download({ onProgress: (p) => progress.push(p) });
  expect(await wanted.identity(store)).toBeUndefined();
  await wanted.fetch(store, signal);
  expectImage();
  expect(progress.at(-1)).toEqual({ receivedBytes: 308_000, totalBytes: 308_000 });
  expect(await wanted.identity(store)).toBe(manifest.inputs);
  const before = asked.length;
  await wanted.fetch(store, signal);
  expect(asked).toHaveLength(before);
  expect(await download({ url: `${base}/b/download.json` }).identity(store)).toBeUndefined();
  rmSync(join(store, manifest.inputs.slice(0, 32)), { recursive: true });
  expect(await wanted.identity(store)).toBeUndefined();
});

test("a connection that is cut again and again goes on where it was", async () => {
  const pieceBytes = 70_000;
  answer = (request, response, path) => {
    if (!path.endsWith("root.erofs")) return serve(request, response, path);
    const content = files["root.erofs"];
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    if (from + pieceBytes >= content.length) return serve(request, response, path);
    const headers = from === 0 ? {} : { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` };
    response.writeHead(from === 0 ? 200 : 206, { ...headers, "content-length": content.length - from });
    response.write(content.subarray(from, from + pieceBytes), () => response.destroy());
  };
  await download().fetch(store, signal);
  expectImage();
  const ranges = asked.filter((line) => line.includes("root.erofs"));
  expect(ranges.length).toBeGreaterThan(3);
  expect(ranges.slice(1).every((line) => / bytes=[1-9]\d*-$/.test(line))).toBe(true);
});

test("a download that was cancelled is taken up by the next one", async () => {
  const controller = new AbortController();
  answer = (request, response, path) => {
    if (!path.endsWith("root.erofs")) return serve(request, response, path);
    response.writeHead(200, { "content-length": 300_000 });
    response.write(files["root.erofs"].subarray(0, 100_000), () => setTimeout(() => controller.abort(new Error("cancelled")), 50));
  };
  await expect(download().fetch(store, controller.signal)).rejects.toThrow("cancelled");
  expect(existsSync(join(store, manifest.inputs.slice(0, 32)))).toBe(false);
  answer = undefined;
  asked = [];
  await download().fetch(store, signal);
  expectImage();
  expect(asked).toContain("/a/root.erofs bytes=100000-");
  expect(asked.some((line) => line.includes("kernel"))).toBe(false);
});

test("wrong bytes are never kept: a mirror has the right ones, or the image does not come", async () => {
  const withMirrors: Answer = (request, response, path) => {
    if (path.endsWith("download.json"))
      return void response.end(JSON.stringify({ ...describeImage(manifest, bytes), mirrors: ["missing", "wrong/", `${base}/right`] }));
    if (path.includes("missing")) return void response.writeHead(404).end();
    if (path.includes("wrong")) return void response.end(Buffer.alloc(contentOf(path)?.length ?? 0));
    serve(request, response, path);
  };
  answer = withMirrors;
  await download().fetch(store, signal);
  expectImage();
  expect(asked).toEqual(expect.arrayContaining(["/a/missing/kernel", "/a/wrong/kernel", "/right/kernel"]));
  rmSync(store, { recursive: true });
  store = mkdtempSync(join(tmpdir(), "berth-fetch-"));
  answer = (request, response, path) => withMirrors(request, response, path.replace("/right/", "/wrong/"));
  await expect(download().fetch(store, signal)).rejects.toMatchObject({
    code: "image-download-failed",
    detail: expect.stringMatching(/missing.*answered 404.*its bytes are not those of the image/),
  });
  expect(existsSync(join(store, manifest.inputs.slice(0, 32)))).toBe(false);
});

test("a file that was spoiled meanwhile, and a server that cannot resume, cost a new download and no more", async () => {
  await download().fetch(store, signal);
  const folder = join(store, manifest.inputs.slice(0, 32));
  const partial = join(store, `.download-${manifest.inputs.slice(0, 32)}`);
  rmSync(folder, { recursive: true });
  mkdirSync(partial);
  writeFileSync(join(partial, "root.erofs.partial"), Buffer.alloc(1000));
  await download().fetch(store, signal);
  expectImage();
  rmSync(folder, { recursive: true });
  mkdirSync(partial);
  writeFileSync(join(partial, "root.erofs.partial"), files["root.erofs"].subarray(0, 1000));
  answer = (_request, response, path) => void response.end(contentOf(path));
  await download().fetch(store, signal);
  expectImage();
});

test("a server that never ends, and one that redirects for ever, are left", async () => {
  answer = (request, response, path) => {
    if (!path.endsWith("kernel")) return serve(request, response, path);
    response.writeHead(200);
    response.end(Buffer.alloc(100_000));
  };
  await expect(download().fetch(store, signal)).rejects.toMatchObject({
    code: "image-download-failed",
    detail: expect.stringContaining("more than the 5000 bytes"),
  });
  answer = (_request, response) => void response.writeHead(302, { location: "/again" }).end();
  await expect(download().fetch(store, signal)).rejects.toMatchObject({ detail: expect.stringContaining("without end") });
});

test("a redirect within the scheme is followed, one to another scheme is not", async () => {
  answer = (request, response, path) =>
    path.startsWith("/a/") ? void response.writeHead(302, { location: path.replace("/a/", "/b/") }).end() : serve(request, response, path);
  await download().fetch(store, signal);
  expectImage();
  answer = (_request, response) => void response.writeHead(302, { location: "file:///etc/passwd" }).end();
  await expect(download({ url: `${base}/c/download.json` }).fetch(store, signal)).rejects.toMatchObject({
    detail: expect.stringContaining("from http: to file:"),
  });
});

test.each(["http://berth.test/download.json", "file:///etc/passwd", "ftp://127.0.0.1/download.json"])("%s is not trusted", async (url) => {
  await expect(download({ url }).fetch(store, signal)).rejects.toMatchObject({
    code: "image-download-failed",
    detail: expect.stringContaining("only https"),
  });
});

test("an address that says its sha256 gets that description and no other", async () => {
  const right = hashOf(contentOf("download.json") ?? "");
  await expect(download({ url: `${base}/a/download.json#sha256=${"0".repeat(64)}` }).fetch(store, signal)).rejects.toMatchObject({
    detail: expect.stringContaining("sha256"),
  });
  await download({ url: `${base}/a/download.json#sha256=${right}` }).fetch(store, signal);
  expect(existsSync(join(store, manifest.inputs.slice(0, 32), "manifest.json"))).toBe(true);
});

test("what is no image, or one for another processor, is refused", async () => {
  await expect(download({ arch: "arm64" }).fetch(store, signal)).rejects.toMatchObject({ detail: expect.stringContaining("amd64") });
  answer = (_request, response) => void response.end("<html>");
  await expect(download().fetch(store, signal)).rejects.toMatchObject({ detail: expect.stringContaining("no machine image") });
  answer = (_request, response) => void response.writeHead(503).end();
  await expect(download().fetch(store, signal)).rejects.toMatchObject({ detail: expect.stringContaining("503") });
  await closeServer();
  await expect(download().fetch(store, signal)).rejects.toMatchObject({ code: "image-download-failed" });
});
