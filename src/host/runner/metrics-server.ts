import { mkdirSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { dirname } from "node:path";
import { type Clock, pause } from "../../lib/clock.ts";
import { type Log, messageOf } from "../../lib/log.ts";

/** More than a scrape and its retry. */
const maxConnections = 16;
const requestTimeoutMs = 10_000;

/** A port that another program has is tried again so often. */
const portRetryMs = 5000;

export interface MetricsServerOptions {
  readonly socketPath: string;
  /** On 127.0.0.1 as well. */
  readonly port: number | undefined;
  readonly contentType: string;
  readonly text: () => Promise<string>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface MetricsServer {
  /** Why the port that was asked for does not answer; it is tried again. */
  readonly portFailure: string | undefined;
  close(): Promise<void>;
}

/** Serves `GET /metrics` on a socket, and on this computer's loopback when asked, as soon as the port is free there. */
export async function serveMetrics({ socketPath, port, clock, log, ...source }: MetricsServerOptions): Promise<MetricsServer> {
  const listener = metricsListener({ ...source, port, log });
  mkdirSync(dirname(socketPath), { recursive: true, mode: 0o700 });
  // Whoever left it there is gone: one process holds the lock of this folder.
  rmSync(socketPath, { force: true });
  const servers = [await listening(listener, { path: socketPath })];
  const closing = new AbortController();
  let portFailure: string | undefined;
  const openPort = async (wanted: number): Promise<boolean> => {
    try {
      servers.push(await listening(listener, { host: "127.0.0.1", port: wanted }));
      portFailure = undefined;
      return true;
    } catch (error) {
      if (portFailure === undefined) log.warn("the metrics are not on their port", { port: wanted, reason: messageOf(error) });
      portFailure = messageOf(error);
      return false;
    }
  };
  const keepTrying = async (wanted: number): Promise<void> => {
    do await pause(clock, portRetryMs, closing.signal);
    while (!closing.signal.aborted && !(await openPort(wanted)));
  };
  const retries = port === undefined || (await openPort(port)) ? undefined : keepTrying(port);
  return {
    get portFailure() {
      return portFailure;
    },
    close: async () => {
      closing.abort();
      await retries;
      rmSync(socketPath, { force: true });
      await Promise.all(servers.map(close));
    },
  };
}

function metricsListener({
  port,
  contentType,
  text,
  log,
}: Pick<MetricsServerOptions, "port" | "contentType" | "text" | "log">): RequestListener {
  return (request, response) => {
    if (request.method !== "GET" || request.url !== "/metrics") return void response.writeHead(404).end();
    // A page in a browser of this computer may ask by a name of its own that leads here.
    if (port !== undefined && request.socket.remoteAddress !== undefined && !isLoopback(request.headers.host, port))
      return void response.writeHead(403).end();
    text().then(
      (body) => response.writeHead(200, { "content-type": contentType }).end(body),
      (error: unknown) => {
        log.error("the metrics were not collected", { reason: messageOf(error) });
        response.writeHead(500).end();
      },
    );
  };
}

async function listening(
  listener: RequestListener,
  where: { readonly path: string } | { readonly host: string; readonly port: number },
): Promise<Server> {
  const server = createServer({ requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs }, listener);
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    const umask = process.umask(0o177);
    server.once("error", reject).listen(where, resolve);
    process.umask(umask);
  });
  return server;
}

async function close(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function isLoopback(host: string | undefined, port: number): boolean {
  return host === `127.0.0.1:${port}` || host === `localhost:${port}`;
}
