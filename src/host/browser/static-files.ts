import { readdir, readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join } from "node:path";
import { contentSecurityPolicy } from "../../lib/content-security-policy.ts";

const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".json": "application/json",
  ".txt": "text/plain; charset=utf-8",
};
/** Names in this folder carry a hash of what is in them. */
const hashedFolder = "assets/";

const securityHeaders = {
  "content-security-policy": contentSecurityPolicy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "x-frame-options": "DENY",
} as const;

/** Serves the files of the built UI. Every path that names no file is a screen, which index.html shows. */
export async function serveStatic(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") return answer(response, 405, "only GET is understood here");
  const names = await readdir(folder, { recursive: true, encoding: "utf8" }).catch(() => []);
  const name = fileOf(request.url ?? "/", new Set(names));
  if (name === undefined) return answer(response, 404, "there is no such file");
  const content = await readFile(join(folder, name)).catch(() => undefined);
  if (content === undefined) return answer(response, 503, "the UI was not built; build it with: npm run build");
  response
    .writeHead(200, {
      ...securityHeaders,
      "content-type": contentTypes[extname(name)] ?? "application/octet-stream",
      "content-length": content.length,
      "cache-control": name.startsWith(hashedFolder) ? "public, max-age=31536000, immutable" : "no-cache",
    })
    .end(request.method === "HEAD" ? undefined : content);
}

/**
 * The file a request's target means: only a name from the folder's own listing can be meant, so no way of writing
 * `..` leads out of it.
 */
export function fileOf(target: string, names: ReadonlySet<string>): string | undefined {
  let path: string;
  try {
    path = decodeURIComponent(target.split(/[?#]/)[0] ?? "").slice(1);
  } catch {
    return undefined;
  }
  if (names.has(path) && contentTypes[extname(path)] !== undefined) return path;
  const looksLikeFile = path.startsWith(hashedFolder) || extname(path) in contentTypes || path.includes("..") || path.includes("\0");
  return looksLikeFile ? undefined : "index.html";
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...securityHeaders, "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" }).end(text);
}
