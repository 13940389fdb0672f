import { extname, join, sep } from "node:path";
import { contentSecurityPolicy } from "../lib/content-security-policy.ts";

/** The one origin of the app's window. */
export const appScheme = "app";
export const appOrigin = "app://berth";

const apiPrefix = /^\/(?:gitpod|supervisor|berth)\.v1\.[A-Za-z]+\/[A-Za-z]+$/;
const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".wasm": "application/wasm",
  ".txt": "text/plain; charset=utf-8",
};

export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": contentSecurityPolicy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=(), usb=(), hid=(), serial=(), bluetooth=()",
};

/** What a request to the app's origin is for. */
export type AppTarget =
  | { readonly kind: "api" }
  | { readonly kind: "file"; readonly path: string; readonly contentType: string }
  | { readonly kind: "refused"; readonly status: 403 | 404 | 405 };

/** Finds what an address means: a call of the API, a file below `root`, or the page, which reads the path itself. */
export function resolveAppUrl(address: string, method: string, root: string): AppTarget {
  const url = URL.parse(address);
  if (url === null || url.protocol !== `${appScheme}:` || url.host !== "berth") return { kind: "refused", status: 403 };
  if (apiPrefix.test(url.pathname)) return method === "POST" ? { kind: "api" } : { kind: "refused", status: 405 };
  if (method !== "GET" && method !== "HEAD") return { kind: "refused", status: 405 };
  const path = decoded(url.pathname);
  if (path === undefined) return { kind: "refused", status: 403 };
  const extension = extname(path);
  if (extension === "") return { kind: "file", path: join(root, "index.html"), contentType: types[".html"] ?? "" };
  const contentType = types[extension];
  const file = join(root, path);
  if (contentType === undefined) return { kind: "refused", status: 404 };
  return file.startsWith(root + sep) ? { kind: "file", path: file, contentType } : { kind: "refused", status: 403 };
}

/** A path without tricks: no way up, no second spelling of a separator, no end of a C string. */
function decoded(pathname: string): string | undefined {
  try {
    const path = decodeURIComponent(pathname);
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    return /[\\\u0000-\u001f:]|%|\/\//.test(path) || path.split("/").some((part) => part.startsWith("..")) ? undefined : path;
  } catch {
    return undefined;
  }
}
