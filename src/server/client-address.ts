import { isIP } from "node:net";
import type { HttpRequest } from "../plane/http-messages.ts";

/** Says where a request came from. */
export type ClientAddress = (request: HttpRequest) => string;

/**
 * By the connection or, behind a proxy, by the header that it sets. Of several addresses the last one counts: the nearest
 * proxy added it, and the others are the client's own word.
 */
export function clientAddressBy(header: string | undefined): ClientAddress {
  return (request) => {
    const direct = request.socket.remoteAddress ?? "";
    const value = header === undefined ? undefined : request.headers[header];
    const last = [value ?? []].flat().join(",").split(",").at(-1)?.trim() ?? "";
    return isIP(last) === 0 ? direct : last;
  };
}
