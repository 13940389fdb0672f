import { mkdirSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { dirname } from "node:path";
import { type Log, messageOf } from "../../lib/log.ts";

/** More than a scrape and its retry. */
const maxConnections = 16;
const requestTimeoutMs = 10_000;

export interface MetricsServerOptions {
  readonly socketPath: string;
  /** On 127.0.0.1 as well. */
  readonly port: number | undefined;
  readonly contentType: string;
  readonly text: () => Promise<string>;
  readonly log: Log;
}

/** Serves `GET /metrics` on a socket, and on this computer's loopback when asked. Gives what ends it. */
export async function serveMetrics({ socketPath, port, contentType, text, log }: MetricsServerOptions): Promise<() => Promise<void>> {
  const listener: RequestListener = (request, response) => {
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
  mkdirSync(dirname(socketPath), { recursive: true, mode: 0o700 });
  // Whoever left it there is gone: one process holds the lock of this folder.
  rmSync(socketPath, { force: true });
  const servers = [await listening(listener, { path: socketPath })];
  if (port !== undefined) servers.push(await listening(listener, { host: "127.0.0.1", port }));
  return async () => {
    rmSync(socketPath, { force: true });
    await Promise.all(servers.map(close));
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
