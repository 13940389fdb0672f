import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { BerthError } from "../contract/berth-error.ts";

/** How long a person may take in the browser (S1). */
const browserSignInTimeoutMs = 5 * 60_000;
/** Other requests than the one that is waited for: somebody looks for open ports. */
const maxStrayRequests = 50;
const address = "127.0.0.1";

/** Answers the browser, once, with what became of the sign-in. */
export type AnswerBrowser = (outcome: { readonly title: string; readonly text: string }) => void;

export interface LoopbackCallback {
  /** With the query that the browser brought. */
  readonly url: URL;
  readonly answer: AnswerBrowser;
}

export interface LoopbackListener {
  readonly redirectUri: string;
  /** The one request that has the right state. Fails with `sign-in-expired` after five minutes, or the signal's reason. */
  readonly callback: Promise<LoopbackCallback>;
  close(): void;
}

/** Waits on a random port of 127.0.0.1 for the browser to come back with `state` (RFC 8252 §7.3). */
export async function listenOnLoopback(state: string, signal: AbortSignal, timeoutMs = browserSignInTimeoutMs): Promise<LoopbackListener> {
  const { promise, resolve, reject } = Promise.withResolvers<LoopbackCallback>();
  // Whoever only listens and closes hears nothing of the end.
  promise.catch(() => undefined);
  const timeout = AbortSignal.timeout(timeoutMs);
  const ended = AbortSignal.any([signal, timeout]);
  const server = createServer({ maxHeaderSize: 16 * 1024, requestTimeout: 10_000, keepAlive: false });
  const close = (): void => {
    ended.removeEventListener("abort", abort);
    server.close();
  };
  const fail = (error: unknown): void => {
    close();
    server.closeAllConnections();
    reject(error instanceof Error ? error : new Error("aborted"));
  };
  const abort = (): void => fail(timeout.aborted ? new BerthError("sign-in-expired", "nobody came back from the browser") : ended.reason);
  ended.addEventListener("abort", abort, { once: true });
  let strays = 0;
  server.on("request", (request, response) => {
    const url = callbackOf(request, portOf(server), state);
    if (url !== undefined) {
      // Before anything else, so that there is no second.
      close();
      resolve({ url, answer: (outcome) => sendPage(response, 200, outcome.title, outcome.text) });
      return;
    }
    sendPage(response, 404, "Nothing is here", "This is not the page of a sign-in that was begun on this computer.");
    if (++strays >= maxStrayRequests) fail(new BerthError("sign-in-refused", "another program or page kept asking on the port"));
  });
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen(0, address, listening.resolve);
  await listening.promise;
  if (ended.aborted) abort();
  return {
    redirectUri: `http://${address}:${portOf(server)}/callback`,
    callback: promise,
    close: () => fail(new BerthError("canceled", "it was ended")),
  };
}

/** The URL of the request that is waited for; a page that another name led here has another Host. */
function callbackOf({ method, url, headers }: IncomingMessage, port: number, state: string): URL | undefined {
  const origin = `http://${address}:${port}`;
  const parsed = URL.parse(url ?? "", origin);
  const fits = method === "GET" && headers.host === `${address}:${port}` && parsed?.origin === origin && parsed.pathname === "/callback";
  if (!fits || parsed === null) return undefined;
  const states = parsed.searchParams.getAll("state");
  return states.length === 1 && states[0] === state ? parsed : undefined;
}

function portOf(server: { address(): unknown }): number {
  const bound = server.address();
  return typeof bound === "object" && bound !== null && "port" in bound && typeof bound.port === "number" ? bound.port : 0;
}

function sendPage(response: ServerResponse, status: number, title: string, text: string): void {
  response
    .writeHead(status, {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      connection: "close",
    })
    .end(
      `<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Berth</title><main><h1>${title}</h1><p>${text}</p></main></html>\n`,
    );
}
