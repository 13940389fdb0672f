import { BerthError } from "./berth-error.ts";

const loopbackHosts = new Set(["127.0.0.1", "[::1]", "localhost"]);

/**
 * Where a plane's API is, as people type it: https, or http on this computer alone, for what is sent there are credentials.
 * A path is kept. Fails with `argument-invalid`.
 */
export function parsePlaneAddress(text: string): URL {
  const url = URL.parse(text.includes("://") ? text : `https://${text}`);
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && loopbackHosts.has(url.hostname));
  if (url === null || !isSafe || url.username !== "" || url.password !== "")
    throw new BerthError("argument-invalid", `'${text.slice(0, 200)}' is no https address of a plane`);
  const address = new URL(url.origin);
  address.pathname = url.pathname.replace(/\/+$/, "");
  return address;
}
