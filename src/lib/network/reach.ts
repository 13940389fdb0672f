import { lookup } from "node:dns/promises";
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { abortable } from "../abortable.ts";

/** A host's name or address and a port. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** How far it got, as a sentence; `issuer` is who signed a certificate that is not trusted. */
export interface Reached {
  readonly ok: boolean;
  readonly detail: string;
  readonly issuer?: string;
}

/** A name server, a server or a proxy that says nothing for so long does not answer. */
const stepTimeoutMs = 6000;
/** The head of an answer is shorter than this. */
const maxHeadBytes = 16 * 1024;

/** Asks the system's resolver. */
export async function reachByName(host: string, signal: AbortSignal): Promise<Reached> {
  return step(signal, async (limit) => {
    const { address } = await abortable(lookup(host), limit);
    return `${host} is ${address}`;
  });
}

/** Opens a connection and closes it. */
export async function reachByTcp(target: Target, signal: AbortSignal): Promise<Reached> {
  return step(signal, async (limit) => {
    const socket = await openTcp(target, limit);
    const address = socket.remoteAddress ?? "";
    socket.destroy();
    return `${nameOf(target)} at ${address} takes connections`;
  });
}

/** Opens a connection, through the proxy where one is given, and looks at the certificate with these authorities. */
export async function reachByTls(
  target: Target,
  options: { readonly proxy: URL | undefined; readonly ca: readonly string[] },
  signal: AbortSignal,
): Promise<Reached> {
  return step(signal, async (limit) => {
    const socket = await openTls(target, options, limit);
    socket.destroy();
    return `${nameOf(target)} has a certificate that is trusted`;
  });
}

/** Asks for a path over TLS; any answer of HTTP is one. */
export async function reachByHttps(
  target: Target,
  path: string,
  options: { readonly proxy: URL | undefined; readonly ca: readonly string[] },
  signal: AbortSignal,
): Promise<Reached> {
  return step(signal, async (limit) => {
    const socket = await openTls(target, options, limit);
    try {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${nameOf(target)}\r\nConnection: close\r\n\r\n`);
      return `${nameOf(target)} answers ${statusOf(await readHead(socket, limit))}`;
    } finally {
      socket.destroy();
    }
  });
}

async function step(signal: AbortSignal, work: (limit: AbortSignal) => Promise<string>): Promise<Reached> {
  const timeout = AbortSignal.timeout(stepTimeoutMs);
  try {
    return { ok: true, detail: await work(AbortSignal.any([signal, timeout])) };
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) return { ok: false, detail: `no answer within ${stepTimeoutMs / 1000} s` };
    if (error instanceof UntrustedError) return { ok: false, detail: error.message, issuer: error.issuer };
    return { ok: false, detail: sentenceOf(error) };
  }
}

/** Who issued a certificate that nobody here vouches for: most often a proxy that reads what goes through it. */
class UntrustedError extends Error {
  readonly issuer: string;

  constructor(message: string, issuer: string) {
    super(message);
    this.issuer = issuer;
  }
}

async function openTcp({ host, port }: Target, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ host, port });
  socket.on("error", () => undefined);
  return opened(socket, "connect", signal);
}

async function openTls(
  target: Target,
  { proxy, ca }: { readonly proxy: URL | undefined; readonly ca: readonly string[] },
  signal: AbortSignal,
): Promise<TLSSocket> {
  const wire = proxy === undefined ? await openTcp(target, signal) : await openTunnel(target, proxy, ca, signal);
  return handshake(wire, target.host, ca, signal);
}

async function handshake(wire: Socket, host: string, ca: readonly string[], signal: AbortSignal): Promise<TLSSocket> {
  // An address is no name for the server to choose by (RFC 6066), but the certificate has to have it all the same.
  // An untrusted certificate is looked at too, to say whose it is; nothing is sent to who has one.
  const socket = connectTls({
    socket: wire,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ca: [...ca],
    rejectUnauthorized: false,
  });
  socket.on("error", () => undefined);
  await opened(socket, "secureConnect", signal);
  if (socket.authorized) return socket;
  const { issuer } = socket.getPeerCertificate();
  const code = String(socket.authorizationError);
  socket.destroy();
  const other = certificateFaults[code];
  if (other !== undefined) throw new Error(`the certificate of ${host} ${other}`);
  const name = [issuer.O, issuer.CN].filter((n) => n !== undefined).join(", ");
  throw new UntrustedError(`the certificate of ${host} is not trusted (${code})`, name);
}

/** What is wrong with a certificate whoever issued it. */
const certificateFaults: Readonly<Record<string, string>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: "is one of another host",
  CERT_HAS_EXPIRED: "has expired",
  CERT_NOT_YET_VALID: "is not valid yet: is the clock right?",
};

/** A connection to a target by way of a proxy (RFC 9110, 9.3.6). */
async function openTunnel({ host, port }: Target, proxy: URL, ca: readonly string[], signal: AbortSignal): Promise<Socket> {
  const proxyHost = proxy.hostname.replace(/^\[|\]$/g, "");
  const secure = proxy.protocol === "https:";
  const plain = await openTcp({ host: proxyHost, port: Number(proxy.port === "" ? (secure ? 443 : 80) : proxy.port) }, signal);
  const socket = secure ? await handshake(plain, proxyHost, ca, signal) : plain;
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const authorization = credentials === ":" ? "" : `Proxy-Authorization: Basic ${Buffer.from(credentials).toString("base64")}\r\n`;
  socket.write(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n${authorization}\r\n`);
  const head = await readHead(socket, signal);
  if (/^HTTP\/1\.[01] 2\d\d/.test(head)) return socket;
  socket.destroy();
  throw new Error(`the proxy answers ${statusOf(head)}`);
}

async function opened<S extends Socket>(socket: S, event: "connect" | "secureConnect", signal: AbortSignal): Promise<S> {
  const done = new Promise<void>((resolve, reject) =>
    socket
      .once(event, resolve)
      .once("error", reject)
      .once("close", () => reject(new Error("the connection was closed"))),
  );
  try {
    await abortable(done, signal);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function readHead(socket: Socket, signal: AbortSignal): Promise<string> {
  const done = new Promise<string>((resolve, reject) => {
    let text = "";
    const onData = (chunk: Buffer): void => {
      text += chunk.toString("latin1");
      if (!text.includes("\r\n\r\n") && text.length < maxHeadBytes) return;
      socket.off("data", onData);
      socket.pause();
      resolve(text);
    };
    socket.on("data", onData);
    socket.once("error", reject).once("close", () => reject(new Error("the connection was closed without an answer")));
  });
  return abortable(done, signal);
}

function statusOf(head: string): string {
  return /^HTTP\/1\.[01] (\d{3}[^\r\n]{0,60})/.exec(head)?.[1]?.trim() ?? "something that is not HTTP";
}

function nameOf({ host, port }: Target): string {
  return `${host}:${port}`;
}

const sentences: Readonly<Record<string, string>> = {
  ENOTFOUND: "the name is not known",
  EAI_AGAIN: "the name server does not answer",
  ECONNREFUSED: "the connection was refused",
  EHOSTUNREACH: "there is no way there",
  ENETUNREACH: "there is no network",
  ETIMEDOUT: "no answer",
  ECONNRESET: "the connection was cut",
};

function sentenceOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const message = error instanceof Error ? error.message : String(error);
  return sentences[code] === undefined ? message : `${sentences[code]} (${message})`;
}
