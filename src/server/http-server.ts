import { createContextValues } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import { createSecureServer, type Http2Server, type Http2SecureServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { type Log, messageOf } from "../lib/log.ts";
import type { PlaneApi } from "../plane/assemble-plane.ts";
import { addressKey } from "../plane/caller.ts";
import { answer, type HttpRequest, type HttpResponse } from "../plane/http-messages.ts";
import { type ClientAddress, clientAddressBy } from "./client-address.ts";
import type { Site } from "./sign-in-site.ts";
import type { ListenAddress } from "./config.ts";
import { createPlainServer } from "./plain-server.ts";

/** The largest message that is taken or given, unpacked. */
const maxMessageBytes = 4 * 1024 * 1024;
/** Until when a request's headers, and all of it, have to be here; against those who send a byte a minute. */
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 60_000;
/** Longer than a proxy in front keeps a connection, so that the proxy is who closes it. */
const keepAliveTimeoutMs = 75_000;

/** Whatever is served beside the API, by path; gives status, type and text. */
export type PlainPages = Readonly<
  Record<string, () => Promise<{ readonly status: number; readonly type?: string; readonly text: string }>>
>;

export interface HttpServerOptions {
  readonly listen: ListenAddress;
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  readonly pages: PlainPages;
  readonly api?: PlaneApi;
  /** Asked before the API; answers what it knows. */
  readonly site?: Site;
  readonly clientAddress?: ClientAddress;
  readonly log: Log;
  /** Aborts when calls that still run have to end. */
  readonly shutdown: AbortSignal;
}

/** HTTP/1.1 and HTTP/2. */
export class HttpServer {
  readonly #server: Server | Http2SecureServer;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #options: HttpServerOptions;
  #isDraining = false;
  #running = 0;
  #onIdle: (() => void) | undefined;

  private constructor(options: HttpServerOptions) {
    const { api, tls, shutdown, clientAddress = clientAddressBy(undefined) } = options;
    this.#options = options;
    const handler =
      api === undefined
        ? undefined
        : connectNodeAdapter({
            routes: (router) => api.routes(router),
            interceptors: api.interceptors,
            requestGate: async (context) => api.gate(context),
            readMaxBytes: maxMessageBytes,
            writeMaxBytes: maxMessageBytes,
            shutdownSignal: shutdown,
            contextValues: (request) => createContextValues().set(addressKey, clientAddress(request)),
          });
    const listener = (request: HttpRequest, response: HttpResponse): void => this.#answer(request, response, handler);
    const { server, http2 } = createServers(listener, tls);
    this.#server = server;
    // With TLS Node leaves it to us: a stream of small messages would wait 40 ms for each one's acknowledgement.
    this.#server.on("connection", (socket: Socket) => socket.setNoDelay(true));
    http2.on("session", (session: ServerHttp2Session) => {
      this.#sessions.add(session);
      session.on("close", () => this.#sessions.delete(session));
    });
    if ("headersTimeout" in this.#server)
      Object.assign(this.#server, { headersTimeout: headersTimeoutMs, requestTimeout: requestTimeoutMs });
    if ("keepAliveTimeout" in this.#server) Object.assign(this.#server, { keepAliveTimeout: keepAliveTimeoutMs });
  }

  static async start(options: HttpServerOptions): Promise<HttpServer> {
    const server = new HttpServer(options);
    await new Promise<void>((resolve, reject) => {
      server.#server.once("error", reject).listen(options.listen.port, options.listen.host, resolve);
    });
    server.#server.on("error", (error) => options.log.error("the server failed", { reason: messageOf(error) }));
    return server;
  }

  get port(): number {
    const address: AddressInfo | string | null = this.#server.address();
    return address === null || typeof address === "string" ? 0 : address.port;
  }

  /** Takes certificate and key from their files again, for connections from now on. */
  reloadTls(): void {
    const { tls } = this.#options;
    if (tls !== undefined && "setSecureContext" in this.#server) this.#server.setSecureContext(readTls(tls));
  }

  /** Takes no new connections and waits until all calls are answered, or the signal aborts and they are cut off. */
  async drain(limit: AbortSignal): Promise<void> {
    this.#isDraining = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions) session.close();
    const idle = new Promise<void>((resolve) => (this.#running === 0 ? resolve() : (this.#onIdle = resolve)));
    const limited = new Promise<void>((resolve) => {
      if (limit.aborted) resolve();
      else limit.addEventListener("abort", () => resolve(), { once: true });
    });
    await Promise.race([idle, limited]);
    if (this.#running > 0) this.#options.log.warn("calls were cut off", { calls: this.#running });
    for (const session of this.#sessions) session.destroy();
    if ("closeAllConnections" in this.#server) this.#server.closeAllConnections();
    await closed;
  }

  #answer(request: HttpRequest, response: HttpResponse, handler: ReturnType<typeof connectNodeAdapter> | undefined): void {
    this.#running++;
    response.on("close", () => {
      this.#running--;
      if (this.#running === 0) this.#onIdle?.();
    });
    if (this.#isDraining && request.httpVersionMajor < 2) response.setHeader("connection", "close");
    const [path = ""] = (request.url ?? "").split("?");
    const page = Object.hasOwn(this.#options.pages, path) ? this.#options.pages[path] : undefined;
    if (page !== undefined) {
      void this.#page(response, page);
      return;
    }
    const { site } = this.#options;
    if (site === undefined) this.#answerApi(request, response, handler);
    else void this.#answerSite(request, response, site, handler);
  }

  async #answerSite(
    request: HttpRequest,
    response: HttpResponse,
    site: Site,
    handler: ReturnType<typeof connectNodeAdapter> | undefined,
  ): Promise<void> {
    try {
      if (!(await site(request, response))) this.#answerApi(request, response, handler);
    } catch (error) {
      this.#options.log.error("a page of signing in was not made", { reason: messageOf(error) });
      response.destroy();
    }
  }

  #answerApi(request: HttpRequest, response: HttpResponse, handler: ReturnType<typeof connectNodeAdapter> | undefined): void {
    if (this.#options.api?.serveJsonl(request, response) === true) return;
    if (handler !== undefined) handler(request, response);
    else answer(response, 404, {});
  }

  async #page(response: HttpResponse, page: PlainPages[string]): Promise<void> {
    try {
      const { status, type = "text/plain; charset=utf-8", text } = await page();
      answer(response, status, { "content-type": type, "cache-control": "no-store" }, text);
    } catch (error) {
      this.#options.log.error("a page was not made", { reason: messageOf(error) });
      answer(response, 500, {});
    }
  }
}

/** The server that listens, and the one that has the sessions of HTTP/2. */
function createServers(
  listener: (request: HttpRequest, response: HttpResponse) => void,
  tls: HttpServerOptions["tls"],
): { readonly server: Server | Http2SecureServer; readonly http2: Http2Server | Http2SecureServer } {
  if (tls === undefined) return createPlainServer(listener);
  const server = createSecureServer({ ...readTls(tls), allowHTTP1: true }, listener);
  return { server, http2: server };
}

function readTls({ certFile, keyFile }: { readonly certFile: string; readonly keyFile: string }): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
}
