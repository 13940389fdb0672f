import type { connectNodeAdapter } from "@connectrpc/connect-node";
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { writeFileAtomically } from "../lib/atomic-file.ts";
import { type Log, messageOf } from "../lib/log.ts";
import { serveStatic } from "./browser/static-files.ts";
import { type UiSession, UiSessions } from "./browser/ui-sessions.ts";

const tokenBytes = 32;
const maxLoginBytes = 1024;
const anyPort = 0;
const minPort = 1024;
const maxPort = 65_535;
const apiPattern = /^\/(gitpod|berth|supervisor)\.v1\./;
const loginPath = "/login";
const keyHeader = "x-berth-key";
const loginSchema = z.object({ token: z.string() });

export interface Loopback {
  readonly baseUrl: string;
  readonly token: string;
}

export interface LoopbackOptions {
  readonly handler: ReturnType<typeof connectNodeAdapter>;
  /** Answers a request itself and says so, or leaves it to the handler. */
  readonly serveJsonl: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Where the built UI is. */
  readonly uiFolder: string;
  /** Where the port is noted, so that the next host takes the same one and pages that are open find it again. */
  readonly portFile: string;
  readonly now: () => number;
  readonly log: Log;
}

/**
 * The API and the UI over HTTP/1.1 on 127.0.0.1, opened at the first request for them. Every user and every web page
 * of this computer can reach a loopback port, so each call needs the token or a session, and none may come from
 * another page. The UI's files are no secret.
 */
export class LoopbackServer {
  readonly #options: LoopbackOptions;
  readonly #sessions: UiSessions;
  #opening: Promise<Loopback> | undefined;
  #server: Server | undefined;

  constructor(options: LoopbackOptions) {
    this.#options = options;
    this.#sessions = new UiSessions(options.now);
  }

  async open(): Promise<Loopback> {
    this.#opening ??= this.#listen();
    return this.#opening;
  }

  /** A link that lets one browser in. What is behind # is sent to no server and stands in no log. */
  async uiLink(): Promise<string> {
    const { baseUrl } = await this.open();
    return `${baseUrl}/#token=${this.#sessions.newLink()}`;
  }

  close(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  async #listen(): Promise<Loopback> {
    const token = randomBytes(tokenBytes).toString("base64url");
    const { server, port } = await listenOn(await notedPort(this.#options.portFile)).catch(async () => listenOn(anyPort));
    this.#server = server;
    await writeFileAtomically(this.#options.portFile, String(port));
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      this.#serve(request, response, { port, token }).catch((error: unknown) => {
        this.#options.log.warn("a request on the loopback address failed", { reason: messageOf(error) });
        response.destroy();
      });
    });
    return { baseUrl: `http://127.0.0.1:${port}`, token };
  }

  async #serve(request: IncomingMessage, response: ServerResponse, own: { readonly port: number; readonly token: string }): Promise<void> {
    const foreign = foreignOf(request.headers, own.port);
    if (foreign !== undefined) return refuse(response, foreign);
    const target = request.url ?? "/";
    if (target === loginPath) return this.#login(request, response, own.port);
    if (!apiPattern.test(target)) return serveStatic(this.#options.uiFolder, request, response);
    const refusal = refusalOf(request.headers, { ...own, hasSession: (session) => this.#sessions.has(session) });
    if (refusal !== undefined) return refuse(response, refusal);
    response.setHeader("cross-origin-resource-policy", "same-origin");
    response.setHeader("cache-control", "no-store");
    if (!this.#options.serveJsonl(request, response)) this.#options.handler(request, response);
  }

  /** Exchanges a link's token for a session. Only our own page may ask: a foreign one could log its victim in as itself. */
  async #login(request: IncomingMessage, response: ServerResponse, port: number): Promise<void> {
    if (request.method !== "POST" || request.headers.origin === undefined) return refuse(response, onlyOwnPage);
    const given = loginSchema.safeParse(await readJson(request, maxLoginBytes));
    const session = given.success ? this.#sessions.exchange(given.data.token) : undefined;
    if (session === undefined)
      return refuse(response, { status: 401, code: "unauthenticated", message: "the link was used before, or is too old" });
    response
      .writeHead(200, {
        "content-type": "application/json",
        "cache-control": "no-store",
        "set-cookie": `${cookieName(port)}=${session.cookie}; HttpOnly; SameSite=Strict; Path=/`,
      })
      .end(JSON.stringify({ key: session.key }));
  }
}

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

interface Headers {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  readonly authorization?: string | undefined;
  readonly cookie?: string | undefined;
  readonly [keyHeader]?: string | string[] | undefined;
}

const onlyOwnPage: Refusal = { status: 403, code: "permission_denied", message: "other web pages may not use this address" };

/** Why a request is none for this address; nothing when it is. */
function foreignOf({ host, origin }: Headers, port: number): Refusal | undefined {
  // A page that rebinds its name to 127.0.0.1 still sends that name.
  if (host !== `127.0.0.1:${port}` && host !== `localhost:${port}`)
    return { status: 403, code: "permission_denied", message: "the request names another host" };
  return origin !== undefined && origin !== `http://${host}` ? onlyOwnPage : undefined;
}

/** Why a call is refused; nothing when it is not. */
export function refusalOf(
  headers: Headers,
  expected: { readonly port: number; readonly token: string; readonly hasSession: (session: UiSession) => boolean },
): Refusal | undefined {
  const foreign = foreignOf(headers, expected.port);
  if (foreign !== undefined) return foreign;
  if (headers.authorization !== undefined) {
    const given = /^Bearer (.+)$/.exec(headers.authorization)?.[1] ?? "";
    // Hashes have one length, which the comparison needs.
    if (timingSafeEqual(sha256(given), sha256(expected.token))) return undefined;
    return { status: 401, code: "unauthenticated", message: "the token is wrong" };
  }
  const cookie = cookieOf(headers.cookie ?? "", cookieName(expected.port));
  const key = headers[keyHeader];
  if (cookie === undefined || typeof key !== "string" || !expected.hasSession({ cookie, key }))
    return { status: 401, code: "unauthenticated", message: "neither a token nor a session of a browser came with the request" };
  return headers.origin === undefined ? onlyOwnPage : undefined;
}

/** Cookies do not know ports either: two hosts of one computer must not take each other's place. */
function cookieName(port: number): string {
  return `berth-${port}`;
}

function cookieOf(header: string, name: string): string | undefined {
  return header
    .split(/; */)
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1);
}

function refuse(response: ServerResponse, { status, code, message }: Refusal): void {
  response.writeHead(status, { "content-type": "application/json", connection: "close" }).end(JSON.stringify({ code, message }));
}

async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > maxBytes) return undefined;
    chunks.push(chunk as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    return undefined;
  }
}

async function listenOn(wanted: number): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(wanted, "127.0.0.1", resolve));
  const address = server.address();
  return { server, port: typeof address === "object" && address !== null ? address.port : 0 };
}

async function notedPort(file: string): Promise<number> {
  const port = Number(await readFile(file, "utf8").catch(() => ""));
  return Number.isInteger(port) && port >= minPort && port <= maxPort ? port : anyPort;
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
