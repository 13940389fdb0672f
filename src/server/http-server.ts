import { type ContextValues, createContextValues } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { Server } from "node:http";
import { createSecureServer, type Http2Server, type Http2SecureServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { type Log, messageOf } from "../lib/log.ts";
import type { PlaneApi } from "../plane/assemble-plane.ts";
import { addressKey } from "../plane/caller.ts";
import { answer, hasAddress, type HttpRequest, type HttpResponse } from "../plane/http-messages.ts";
import { type ClientAddress, clientAddressBy } from "./client-address.ts";
import type { Site } from "./sign-in-site.ts";
import type { ListenAddress } from "./config.ts";
import { ConnectStreams } from "./connect-streams.ts";
import { EmptyAwareResponse } from "./empty-answer.ts";
import { dropLongDeadline } from "./long-deadline.ts";
import { createPlainServer } from "./plain-server.ts";
import { blameClientOf } from "./unreadable-message.ts";
import { readTls, type TlsFiles, watchTls } from "./tls-files.ts";

/** The largest message that is taken or given, unpacked. */
const maxMessageBytes = 4 * 1024 * 1024;
/** Until when a request's headers, and all of it, have to be here; against those who send a byte a minute. */
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 60_000;
/** Longer than a proxy in front keeps a connection, so that the proxy is who closes it. */
const keepAliveTimeoutMs = 75_000;
/** After so much silence the other side is asked whether it is still there; one that vanished never says that it goes. */
const probeDelayMs = 30_000;
/** For so long a connection of HTTP/2 is kept on which nothing is asked. */
const defaultIdleTimeoutMs = 5 * 60_000;
/** How long clients may take to close their side once all calls are answered and they were told that it ends. */
const closeLimitMs = 1_000;

/** Whatever is served beside the API, by path; gives status, type and text. */
export type PlainPages = Readonly<
  Record<string, () => Promise<{ readonly status: number; readonly type?: string; readonly text: string }>>
>;

export interface HttpServerOptions {
  readonly listen: ListenAddress;
  readonly tls?: TlsFiles;
  readonly pages: PlainPages;
  readonly api?: Pick<PlaneApi, "interceptors" | "gate" | "streams" | "routes" | "serveJsonl">;
  /** Asked before the API; answers what it knows. */
  readonly site?: Site;
  readonly clientAddress?: ClientAddress;
  /** For so long a connection of HTTP/2 is kept on which nothing is asked. */
  readonly idleTimeoutMs?: number;
  readonly log: Log;
}

/** HTTP/1.1 and HTTP/2. */
export class HttpServer {
  readonly #server: Server | Http2SecureServer;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #options: HttpServerOptions;
  #unwatchTls: (() => void) | undefined;
  #isDraining = false;
  #running = 0;
  #onIdle: (() => void) | undefined;

  private constructor(options: HttpServerOptions) {
    const { api, tls, clientAddress = clientAddressBy(undefined) } = options;
    this.#options = options;
    const handler = api === undefined ? undefined : apiHandler(api, clientAddress);
    const listener = (request: HttpRequest, response: HttpResponse): void => this.#answer(request, response, handler);
    const { server, http2 } = createServers(listener, tls);
    this.#server = server;
    // With TLS Node leaves it to us: a stream of small messages would wait 40 ms for each one's acknowledgement.
    this.#server.on("connection", (socket: Socket) => {
      socket.setNoDelay(true);
      socket.setKeepAlive(true, probeDelayMs);
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    http2.on("session", (session: ServerHttp2Session) => {
      // Its connection was there before, and what it wanted to ask is asked elsewhere.
      if (this.#isDraining) session.close();
      this.#sessions.add(session);
      session.on("close", () => this.#sessions.delete(session));
      closeWhenIdle(session, options.idleTimeoutMs ?? defaultIdleTimeoutMs);
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
    if (options.tls !== undefined) server.#unwatchTls = watchTls(options.tls, () => server.reloadTls());
    return server;
  }

  get port(): number {
    const address: AddressInfo | string | null = this.#server.address();
    return address === null || typeof address === "string" ? 0 : address.port;
  }

  /** Takes certificate and key from their files again, for connections from now on; those that are no good change nothing. */
  reloadTls(): void {
    const { tls, log } = this.#options;
    if (tls === undefined || !("setSecureContext" in this.#server)) return;
    try {
      this.#server.setSecureContext(readTls(tls));
      log.info("the certificate was read again", { ...tls });
    } catch (error) {
      // Of two files that are replaced one after the other, the first does not go with the second yet.
      log.error("the certificate could not be read again, and the one before is used", { ...tls, reason: messageOf(error) });
    }
  }

  /**
   * Takes no new connections, waits until all calls are answered, and ends every connection; what is there yet when the
   * signal aborts is cut off.
   */
  async drain(limit: AbortSignal): Promise<void> {
    this.#isDraining = true;
    this.#unwatchTls?.();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions) session.close();
    const idle = new Promise<void>((resolve) => (this.#running === 0 ? resolve() : (this.#onIdle = resolve)));
    await untilAborted(idle, limit);
    if (this.#running > 0) this.#options.log.warn("calls were cut off", { calls: this.#running });
    else {
      if ("closeIdleConnections" in this.#server) this.#server.closeIdleConnections();
      await untilAborted(closed, AbortSignal.any([limit, AbortSignal.timeout(closeLimitMs)]));
    }
    for (const session of this.#sessions) session.destroy();
    // Also those that never asked anything, and those of clients that do not close their side.
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #answer(request: HttpRequest, response: HttpResponse, handler: ApiHandler | undefined): void {
    this.#running++;
    response.on("close", () => {
      this.#running--;
      if (this.#running === 0) this.#onIdle?.();
    });
    if (this.#isDraining && request.httpVersionMajor < 2) response.setHeader("connection", "close");
    if (!hasAddress(request)) {
      answer(response, 400, {});
      return;
    }
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

  async #answerSite(request: HttpRequest, response: HttpResponse, site: Site, handler: ApiHandler | undefined): Promise<void> {
    try {
      if (!(await site(request, response))) this.#answerApi(request, response, handler);
    } catch (error) {
      this.#options.log.error("a page of signing in was not made", { reason: messageOf(error) });
      response.destroy();
    }
  }

  #answerApi(request: HttpRequest, response: HttpResponse, handler: ApiHandler | undefined): void {
    const { api, clientAddress = clientAddressBy(undefined) } = this.#options;
    if (api?.serveJsonl(request, response, clientAddress(request)) === true) return;
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

/** A connection of HTTP/1.1 is closed by Node's own timers. */
function closeWhenIdle(session: ServerHttp2Session, idleTimeoutMs: number): void {
  let open = 0;
  session.on("stream", (stream) => {
    open++;
    stream.once("close", () => open--);
  });
  // A stream may be open and silent for days. Node tells of the first silence alone unless it is asked anew.
  session.on("timeout", () => (open === 0 ? session.close() : session.setTimeout(idleTimeoutMs)));
  session.setTimeout(idleTimeoutMs);
}

type ApiHandler = ReturnType<typeof connectNodeAdapter>;

function apiHandler(api: NonNullable<HttpServerOptions["api"]>, clientAddress: ClientAddress): ApiHandler {
  const { gate, interceptors, streams } = api;
  const contextValues = (request: HttpRequest): ContextValues => createContextValues().set(addressKey, clientAddress(request));
  const connectStreams = new ConnectStreams({ streams, interceptors, gate, contextValues, maxMessageBytes });
  const others = connectNodeAdapter({
    routes: (router) => api.routes(router),
    interceptors,
    requestGate: async (context) => {
      blameClientOf(context);
      await gate(context);
    },
    readMaxBytes: maxMessageBytes,
    writeMaxBytes: maxMessageBytes,
    // Without a signal to shut down: each call would look through the listeners of all open streams for its own, and
    // who is cut off at the end of a drain learns it from the connection.
    contextValues,
  });
  return (request, response) => {
    dropLongDeadline(request);
    if (!connectStreams.serve(request, response)) others(request, response);
  };
}

/** Waits for something, but no longer than until the signal aborts. */
async function untilAborted(event: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const aborted = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => aborted.resolve(), { once: true });
  await Promise.race([event, aborted.promise]);
}

/** The server that listens, and the one that has the sessions of HTTP/2. */
function createServers(
  listener: (request: HttpRequest, response: HttpResponse) => void,
  tls: HttpServerOptions["tls"],
): { readonly server: Server | Http2SecureServer; readonly http2: Http2Server | Http2SecureServer } {
  if (tls === undefined) return createPlainServer(listener);
  const server = createSecureServer({ ...readTls(tls), allowHTTP1: true, Http2ServerResponse: EmptyAwareResponse }, listener);
  return { server, http2: server };
}
