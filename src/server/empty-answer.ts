import { type Http2ServerRequest, Http2ServerResponse, type OutgoingHttpHeaders } from "node:http2";

type Done = (error: Error) => void;

/**
 * An answer of HTTP/2 that ends with its headers where it has no body. Connect sends headers before it ends an answer, which
 * Node then does with an empty frame of its own. A proxy that has read `content-length: 0` by then resets the stream, and so
 * many resets on a connection that carries the calls of many runners are taken for an attack and end it
 * (https://nodejs.org/api/http2.html, `streamResetRate`).
 */
export class EmptyAwareResponse<Request extends Http2ServerRequest = Http2ServerRequest> extends Http2ServerResponse<Request> {
  #isEmpty = false;

  override writeHead(statusCode: number, headers?: OutgoingHttpHeaders): this;
  override writeHead(statusCode: number, statusMessage: string, headers?: OutgoingHttpHeaders): this;
  override writeHead(statusCode: number, ...rest: readonly (string | OutgoingHttpHeaders | undefined)[]): this {
    const headers = rest.findLast((part) => typeof part === "object");
    if (headers?.["content-length"] !== "0") return super.writeHead(statusCode, headers);
    // Node sends what was set when the answer ends.
    this.#isEmpty = true;
    this.statusCode = statusCode;
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) this.setHeader(name, value);
    return this;
  }

  override write(chunk: string | Uint8Array, done?: Done): boolean;
  override write(chunk: string | Uint8Array, encoding: BufferEncoding, done?: Done): boolean;
  override write(chunk: string | Uint8Array, ...rest: readonly (BufferEncoding | Done | undefined)[]): boolean {
    const encoding = rest.find((part) => typeof part === "string");
    const done = rest.find((part) => typeof part === "function");
    if (!this.#isEmpty || chunk.length > 0) return super.write(chunk, encoding ?? "utf8", done);
    // Without an error, which the type does not know of.
    if (done !== undefined) queueMicrotask(() => void Reflect.apply(done, this, []));
    return true;
  }
}
