import { lookup as dnsLookup, type LookupAddress } from "node:dns";
import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { type LookupFunction, isIP } from "node:net";
import { BerthError } from "../../contract/berth-error.ts";
import { AddressRules } from "./address-rules.ts";

/** Everything from the look-up of the name to the last byte. */
const outboundTimeoutMs = 10_000;
/** Discovery documents and key sets are a few kilobytes. */
const outboundMaxBytes = 1024 * 1024;

/** Statuses whose answers have no body, which Response insists on. */
const bodylessStatuses: ReadonlySet<number> = new Set([204, 205, 304]);

export interface OutboundOptions {
  /** Plain http too; for trials on one computer. */
  readonly allowHttp?: boolean;
  /** Addresses or CIDR ranges inside private networks that may be reached. */
  readonly allowedNetworks?: readonly string[];
  /** PEM certificates that are believed in place of the system's. */
  readonly certificateAuthorities?: readonly string[];
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  /** How names become addresses; the system's own unless a test says otherwise. */
  readonly resolve?: (hostname: string) => Promise<readonly LookupAddress[]>;
}

export interface OutboundRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | URLSearchParams;
  readonly signal?: AbortSignal;
}

/**
 * Fetches what a URL from outside names (S16): https only, no address inside private networks, and the address that
 * was checked is the one that is connected to, so that a name cannot answer differently a moment later. Redirects are
 * handed back, not followed. Fails with `address-not-allowed` or `sign-in-provider-unreachable`.
 */
export class GuardedFetch {
  readonly #options: OutboundOptions;
  readonly #rules: AddressRules;

  constructor(options: OutboundOptions = {}) {
    this.#options = options;
    this.#rules = new AddressRules(options.allowedNetworks ?? []);
  }

  get allowsHttp(): boolean {
    return this.#options.allowHttp === true;
  }

  /** The URL when its form may be reached; what its name resolves to is checked at each connection. */
  checkUrl(text: string): URL {
    const url = URL.parse(text);
    if (url === null) throw new BerthError("address-not-allowed", `'${text.slice(0, 200)}' is no URL`);
    const allowed = url.protocol === "https:" || (this.allowsHttp && url.protocol === "http:");
    if (!allowed) throw new BerthError("address-not-allowed", `${url.protocol} is not allowed, only https`);
    if (url.username !== "" || url.password !== "") throw new BerthError("address-not-allowed", "it has a user name or password in it");
    const literal = url.hostname.replace(/^\[|\]$/g, "");
    if (isIP(literal) !== 0 && !this.#rules.allows(literal)) throw notAllowed(url.hostname);
    return url;
  }

  async fetch(address: string, { method, headers, body, signal }: OutboundRequest): Promise<Response> {
    const url = this.checkUrl(address);
    const timeout = AbortSignal.timeout(this.#options.timeoutMs ?? outboundTimeoutMs);
    const all = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const bytes = body === undefined ? undefined : Buffer.from(body instanceof URLSearchParams ? body.toString() : body);
    const request = send(url, {
      method,
      headers: { ...headers, "accept-encoding": "identity", ...(bytes === undefined ? {} : { "content-length": bytes.length }) },
      signal: all,
      agent: false,
      lookup: this.#lookup,
      ...(this.#options.certificateAuthorities === undefined ? {} : { ca: [...this.#options.certificateAuthorities] }),
    });
    try {
      const answer = await answerOf(request, bytes);
      return await this.#response(answer, url);
    } catch (error) {
      request.destroy();
      throw this.#failure(error, url, timeout);
    }
  }

  async #response(answer: IncomingMessage, url: URL): Promise<Response> {
    const encoding = answer.headers["content-encoding"];
    if (encoding !== undefined && encoding !== "identity") throw unreachable(`${url.host} answered with content encoding '${encoding}'`);
    const maxBytes = this.#options.maxBytes ?? outboundMaxBytes;
    const parts: Buffer[] = [];
    let sizeBytes = 0;
    for await (const part of answer) {
      const chunk = Buffer.from(part);
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) throw unreachable(`${url.host} answered with more than ${maxBytes} bytes`);
      parts.push(chunk);
    }
    const status = answer.statusCode ?? 0;
    if (status < 200) throw unreachable(`${url.host} answered with status ${status}`);
    const headers = new Headers();
    for (const [name, value] of Object.entries(answer.headers)) for (const one of [value ?? []].flat()) headers.append(name, one);
    return new Response(bodylessStatuses.has(status) ? null : Buffer.concat(parts), { status, headers });
  }

  readonly #lookup: LookupFunction = (hostname, options, callback) => {
    const resolve = this.#options.resolve ?? systemLookup;
    resolve(hostname).then(
      (addresses) => {
        const [first] = addresses;
        const refused = addresses.some(({ address }) => !this.#rules.allows(address));
        if (first === undefined || refused) callback(refused ? notAllowed(hostname) : unreachable(`${hostname} has no address`), "", 0);
        else if (options.all === true) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), "", 0),
    );
  };

  #failure(error: unknown, url: URL, timeout: AbortSignal): unknown {
    if (error instanceof BerthError) return error;
    if (timeout.aborted) return unreachable(`${url.host} did not answer in ${this.#options.timeoutMs ?? outboundTimeoutMs} ms`, error);
    return unreachable(`${url.host} could not be reached`, error);
  }
}

function answerOf(request: ClientRequest, body: Uint8Array | undefined): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request.once("response", resolve);
  // It may fail again while its body is read, which the reader is told of too.
  request.on("error", reject);
  request.end(body);
  return promise;
}

function systemLookup(hostname: string): Promise<readonly LookupAddress[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly LookupAddress[]>();
  dnsLookup(hostname, { all: true }, (error, addresses) => (error === null ? resolve(addresses) : reject(error)));
  return promise;
}

function notAllowed(host: string): BerthError {
  return new BerthError("address-not-allowed", `${host} is not on the public internet`);
}

function unreachable(detail: string, cause?: unknown): BerthError {
  return new BerthError("sign-in-provider-unreachable", detail, { cause });
}
