import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Readable } from "node:stream";

type SchemeHandler = (request: Request) => Response | Promise<Response>;

/**
 * What `protocol.handle` answers. DevTools cannot answer a request bit by bit, so the app's scheme is an HTTP server
 * on loopback here: `app://berth/x` is `http://berth.localhost:PORT/x` for the page, which sees the same paths, the
 * same headers and the same streams. Only the origin's name differs, and HTTP/1.1 allows it six requests at once.
 */
export class SchemeServer {
  readonly #handlers = new Map<string, SchemeHandler>();
  #port = 0;

  handle(scheme: string, handler: SchemeHandler): void {
    this.#handlers.set(scheme, handler);
  }

  async listen(): Promise<void> {
    const server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
    server.unref();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    this.#port = typeof address === "object" && address !== null ? address.port : 0;
  }

  /** The address the browser uses for one of the app's. */
  outward(url: string): string {
    return url.replace(/^app:\/\/berth(?=\/|$)/, this.#origin);
  }

  /** The app's address for one of the browser's. */
  inward(url: string): string {
    return url.startsWith(`${this.#origin}/`) || url === this.#origin ? `app://berth${url.slice(this.#origin.length)}` : url;
  }

  get #origin(): string {
    return `http://berth.localhost:${this.#port}`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const handler = this.#handlers.get("app");
    if (handler === undefined || request.headers.host !== `berth.localhost:${this.#port}`) {
      response.writeHead(404).end();
      return;
    }
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers)) {
      if (typeof value === "string" && name !== "host" && name !== "connection") headers.set(name, this.inward(value));
    }
    const hasBody = request.method !== "GET" && request.method !== "HEAD";
    const answer = await handler(
      new Request(`app://berth${request.url ?? "/"}`, {
        method: request.method ?? "GET",
        headers,
        ...(hasBody ? { body: Readable.toWeb(request), duplex: "half" } : {}),
      }),
    );
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    // Now, not with the first bytes: a stream that is silent at first has begun all the same.
    response.flushHeaders();
    await this.#sendBody(answer, response);
  }

  /** As Electron does: when the page gives up, the body is cancelled. */
  async #sendBody(answer: Response, response: ServerResponse): Promise<void> {
    const reader = answer.body?.getReader();
    response.once("close", () => void reader?.cancel().catch(() => undefined));
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done || response.destroyed) break;
      if (!response.write(value)) await Promise.race([once(response, "drain"), once(response, "close")]);
    }
    response.end();
  }
}
