import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Log, silentLog } from "../lib/log.ts";
import { HttpServer, type PlainPages } from "./http-server.ts";

/** Several times as long as it takes until changed files are seen. */
const rotationLimitMs = 15_000;

let folder: string;
let server: HttpServer;
let logged: string[];
let clients: Socket[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-http-"));
  logged = [];
  clients = [];
});
afterEach(async () => {
  await server.drain(AbortSignal.abort());
  for (const client of clients) client.destroy();
  rmSync(folder, { recursive: true });
});

const files = { certFile: "", keyFile: "" };

/** Makes a certificate of this name and puts it in the place of the one that is there. */
function certify(name: string): void {
  files.certFile = join(folder, "cert.pem");
  files.keyFile = join(folder, "key.pem");
  const [cert, key] = [`${files.certFile}.new`, `${files.keyFile}.new`];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  const made = ["req", "-x509", ...curve, "-nodes", "-days", "1", "-subj", `/CN=${name}`, "-keyout", key, "-out", cert];
  execFileSync("openssl", made, { stdio: "ignore" });
  renameSync(cert, files.certFile);
  renameSync(key, files.keyFile);
}

async function start(pages: PlainPages = {}, options: { readonly idleTimeoutMs?: number } = {}): Promise<void> {
  const log: Log = { ...silentLog, error: (message) => logged.push(message) };
  const listen = { host: "127.0.0.1", port: 0 };
  server = await HttpServer.start({ listen, tls: files, pages, log, ...options });
}

/** Whose certificate a new connection is shown. */
async function nameShown(): Promise<string> {
  const socket = connectTls({ port: server.port, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const name = String(socket.getPeerCertificate().subject.CN);
  socket.destroy();
  return name;
}

/** A connection that says this, and never closes its side by itself. */
async function staying(socket: Socket, text: string, heard: string): Promise<{ readonly ended: Promise<unknown> }> {
  clients.push(socket);
  const ended = new Promise<void>((resolve) => {
    for (const event of ["end", "close", "error"]) socket.once(event, () => resolve());
  });
  socket.write(text);
  let seen = "";
  const answered = Promise.withResolvers<void>();
  socket.on("data", (bytes: Buffer) => {
    seen += bytes.toString("latin1");
    if (seen.includes(heard)) answered.resolve();
  });
  if (heard !== "") await answered.promise;
  return { ended };
}

const request = "GET /page HTTP/1.1\r\nhost: localhost\r\n\r\n";
const http2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/** One connection of each kind that nobody asks anything by any more. */
async function idleConnections(): Promise<readonly { readonly ended: Promise<unknown> }[]> {
  const secure = { port: server.port, rejectUnauthorized: false, allowHalfOpen: true };
  const session = connectHttp2(`https://localhost:${server.port}`, { rejectUnauthorized: false });
  await once(session, "connect");
  return [
    { ended: once(session, "close") },
    await staying(connectTcp({ port: server.port, allowHalfOpen: true }), "", ""),
    await staying(connectTls({ ...secure, ALPNProtocols: ["http/1.1"] }), request, "answered"),
    await staying(connectTls({ ...secure, ALPNProtocols: ["h2"] }), http2Preface, "\0"),
  ];
}

test("a drain ends every connection, also those of clients that keep them", async () => {
  certify("server");
  await start({ "/page": async () => ({ status: 200, text: "answered" }) });
  const connections = await idleConnections();
  await server.drain(new AbortController().signal);
  await Promise.all(connections.map(async ({ ended }) => ended));
});

test("a drain lets a call finish, and cuts off what is not answered by its limit", async () => {
  const calls = Promise.withResolvers<void>();
  certify("server");
  let asked = 0;
  const slow = async (): Promise<{ status: number; text: string }> => {
    asked++;
    await calls.promise;
    return { status: 200, text: "answered" };
  };
  const never = async (): Promise<{ status: number; text: string }> => {
    asked++;
    return new Promise(() => undefined);
  };
  await start({ "/slow": slow, "/never": never });
  const secure = { port: server.port, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"], allowHalfOpen: true };
  const finished = staying(connectTls(secure), request.replace("/page", "/slow"), "answered");
  const cut = await staying(connectTls(secure), request.replace("/page", "/never"), "");
  await expect.poll(() => asked).toBe(2);
  const limit = new AbortController();
  const drained = server.drain(limit.signal);
  calls.resolve();
  await finished;
  limit.abort();
  await drained;
  await cut.ended;
});

test("a connection on which nothing is asked any more is closed, and one with an open stream stays", async () => {
  certify("server");
  const calls = Promise.withResolvers<void>();
  const slow = async (): Promise<{ status: number; text: string }> => {
    await calls.promise;
    return { status: 200, text: "answered" };
  };
  await start({ "/page": async () => ({ status: 200, text: "answered" }), "/slow": slow }, { idleTimeoutMs: 300 });
  const sessionWith = (path: string) => {
    const session = connectHttp2(`https://localhost:${server.port}`, { rejectUnauthorized: false });
    const stream = session.request({ ":path": path });
    return { session, answered: text(stream), closed: once(session, "close") };
  };
  const waiting = sessionWith("/slow");
  // It has been silent for longer than the other when that one is closed.
  await once(waiting.session, "remoteSettings");
  const quiet = sessionWith("/page");
  expect(await quiet.answered).toBe("answered");
  await quiet.closed;
  expect(await text(waiting.session.request({ ":path": "/page" }))).toBe("answered");
  calls.resolve();
  expect(await waiting.answered).toBe("answered");
  await waiting.closed;
});

test("a certificate that is replaced is used without a restart", { timeout: 2 * rotationLimitMs }, async () => {
  certify("before");
  await start();
  expect(await nameShown()).toBe("before");
  certify("after");
  await expect.poll(nameShown, { timeout: rotationLimitMs }).toBe("after");
});

test("files that are no good leave the certificate before, and are told of", { timeout: 2 * rotationLimitMs }, async () => {
  certify("before");
  await start();
  const key = readFileSync(files.keyFile);
  certify("other");
  // The certificate of another key, and then one that was cut off.
  writeFileSync(files.keyFile, key);
  server.reloadTls();
  expect(logged).toEqual(["the certificate could not be read again, and the one before is used"]);
  expect(await nameShown()).toBe("before");
  writeFileSync(files.certFile, readFileSync(files.certFile).subarray(0, 100));
  server.reloadTls();
  expect(logged.length).toBe(2);
  expect(await nameShown()).toBe("before");
  certify("mended");
  await expect.poll(nameShown, { timeout: rotationLimitMs }).toBe("mended");
});
