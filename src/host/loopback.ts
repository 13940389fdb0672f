import type { connectNodeAdapter } from "@connectrpc/connect-node";
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

const tokenBytes = 32;

export interface Loopback {
  readonly baseUrl: string;
  readonly token: string;
}

export interface LoopbackOptions {
  readonly handler: ReturnType<typeof connectNodeAdapter>;
  /** Answers a request itself and says so, or leaves it to the handler. */
  readonly serveJsonl: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/**
 * The API over HTTP/1.1 on 127.0.0.1, opened at the first request for it. Every user and every web page of this
 * computer can reach a loopback port, so each request needs the token, and none may come from a page.
 */
export class LoopbackServer {
  readonly #options: LoopbackOptions;
  #opening: Promise<Loopback> | undefined;
  #server: Server | undefined;

  constructor(options: LoopbackOptions) {
    this.#options = options;
  }

  async open(): Promise<Loopback> {
    this.#opening ??= this.#listen();
    return this.#opening;
  }

  close(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  async #listen(): Promise<Loopback> {
    const token = randomBytes(tokenBytes).toString("base64url");
    const server = createServer();
    this.#server = server;
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      const refusal = refusalOf(request.headers, { port, token });
      if (refusal !== undefined) {
        response
          .writeHead(refusal.status, { "content-type": "application/json", connection: "close" })
          .end(JSON.stringify({ code: refusal.code, message: refusal.message }));
        return;
      }
      if (!this.#options.serveJsonl(request, response)) this.#options.handler(request, response);
    });
    return { baseUrl: `http://127.0.0.1:${port}`, token };
  }
}

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** Why a request is refused; nothing when it is not. */
export function refusalOf(
  headers: { readonly host?: string | undefined; readonly origin?: string | undefined; readonly authorization?: string | undefined },
  expected: { readonly port: number; readonly token: string },
): Refusal | undefined {
  // A page that rebinds its name to 127.0.0.1 still sends that name.
  if (headers.host !== `127.0.0.1:${expected.port}` && headers.host !== `localhost:${expected.port}`)
    return { status: 403, code: "permission_denied", message: "the request names another host" };
  if (headers.origin !== undefined) return { status: 403, code: "permission_denied", message: "web pages may not use this address" };
  const given = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "";
  // Hashes have one length, which the comparison needs.
  if (!timingSafeEqual(sha256(given), sha256(expected.token)))
    return { status: 401, code: "unauthenticated", message: "the token is missing or wrong" };
  return undefined;
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
