import { BerthError } from "./berth-error.ts";
import { isSafeUrl } from "./safe-url.ts";

/**
 * Where a plane's API is, as people type it: https, or http on this computer alone, for what is sent there are credentials.
 * A path is kept. Fails with `argument-invalid`.
 */
export function parsePlaneAddress(text: string): URL {
  const url = URL.parse(text.includes("://") ? text : `https://${text}`);
  if (url === null || !isSafeUrl(url) || url.username !== "" || url.password !== "")
    throw new BerthError("argument-invalid", `'${text.slice(0, 200)}' is no https address of a plane`);
  const address = new URL(url.origin);
  address.pathname = url.pathname.replace(/\/+$/, "");
  return address;
}
