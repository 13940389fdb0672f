import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { BerthError } from "../contract/berth-error.ts";

/** A request as Node's servers give it, of HTTP/1.1 or 2. */
export type HttpRequest = IncomingMessage | Http2ServerRequest;
export type HttpResponse = ServerResponse | Http2ServerResponse;

/** A page's form has a few words. */
const maxFormBytes = 4096;
/** Without empty, encoded or odd parts, dots that lead elsewhere, or a slash at the end. */
const plain = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)+$/;

/**
 * The path that a request asks for; undefined when it is spelled in another way than ours. URL parsers and routers make
 * one path of many spellings, so whatever is checked or limited by its path is served by this one alone.
 */
export function plainPath({ url = "" }: HttpRequest): string | undefined {
  const [path = ""] = url.split("?");
  return plain.test(path) ? path : undefined;
}

/** Whether a request names a host and a path that make an address: what is none would be a fault of whoever reads it as one. */
export function hasAddress(request: HttpRequest): boolean {
  const { url = "" } = request;
  const authority = "authority" in request ? request.authority : request.headers.host;
  return authority !== undefined && URL.canParse(url, `http://${authority}`);
}

/** What a page's form sends. Fails with `request-invalid` when it is too long to be one. */
export async function formOf(request: HttpRequest): Promise<URLSearchParams> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of request) {
    const chunk = Buffer.from(part);
    sizeBytes += chunk.length;
    if (sizeBytes > maxFormBytes) throw new BerthError("request-invalid", `the form is larger than ${maxFormBytes} bytes`);
    parts.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(parts).toString());
}

/** Answers a request; the two kinds of answers are alike but for their types. */
export function answer(response: HttpResponse, status: number, headers: OutgoingHttpHeaders, body = ""): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
  response.end(body);
}
