import { mkdtempSync, rmSync } from "node:fs";
import { connect as connectHttp2, constants, type OutgoingHttpHeaders } from "node:http2";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PlaneProcess } from "./plane-process.ts";
import { makeCertificate } from "../../support/certificate.ts";

const call = "/gitpod.v1.EnvironmentService/ListEnvironments";
const watch = "/gitpod.v1.EventService/WatchEvents";
/** How long the server may take to answer what is odd, or to hang up. */
const answerLimitMs = 15_000;
const nested = 100_000;

/** How oidc-provider takes the first request that was broken off before it read it; nothing keeps it from saying so. */
const saidOnce = "oidc-provider WARNING: already parsed request body detected";

const json = "content-type: application/json";
const post = (path: string, headers: readonly string[], body = "", version = "1.1"): string =>
  [`POST ${path} HTTP/${version}`, ...headers, `content-length: ${Buffer.byteLength(body)}`, "connection: close", "", body].join("\r\n");

/** Whole requests of HTTP/1, as somebody may write them by hand. */
const requests: Readonly<Record<string, string>> = {
  "a host that is none": post(call, ["host: [", json], "{}"),
  "a host with a space": post(call, ["host: a b", json], "{}"),
  "no host, which HTTP/1.0 allows": post(call, [json], "{}", "1.0"),
  "no host for a stream": post(watch, ["content-type: application/connect+proto"], "\0\0\0\0\0", "1.0"),
  "no host for JSON lines": post(watch, ["accept: application/jsonl", json], "{}", "1.0"),
  "no host for a page of signing in": "GET /auth/sign-in HTTP/1.0\r\n\r\n",
  "a host that is none for an OAuth endpoint":
    "GET /oauth/.well-known/openid-configuration HTTP/1.1\r\nhost: [\r\nconnection: close\r\n\r\n",
  "a path of slashes": post("//", ["host: x", json], "{}"),
  "an address with another host": post(`http://[${call}`, ["host: x", json], "{}"),
  "an address of a host that is none": post("http://[", ["host: x"], ""),
  "the whole server": "OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
  "a connection to elsewhere": "CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n",
  "another protocol": `GET ${call} HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n\r\n`,
  "HTTP/2 by an upgrade": `GET ${call} HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n`,
  "a body that is waited for": post(call, ["host: x", json, "expect: 100-continue"], "{}"),
  "an expectation that nobody has": post(call, ["host: x", json, "expect: tea"], "{}"),
  "two lengths": `POST ${call} HTTP/1.1\r\nhost: x\r\n${json}\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}`,
  "a broken chunk": `POST ${call} HTTP/1.1\r\nhost: x\r\n${json}\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`,
  "no HTTP": "hello\r\n\r\n",
  "a greeting of HTTP/2 alone": "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
  "frames of HTTP/2 that are none": `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"\xff".repeat(200)}`,
  "a deadline that is no number": post(call, ["host: x", json, "connect-timeout-ms: soon"], "{}"),
  "a deadline beyond all timers": post(call, ["host: x", json, "connect-timeout-ms: 9999999999"], "{}"),
  "a deadline that is over": post(call, ["host: x", json, "connect-timeout-ms: 0"], "{}"),
  "a packing that nobody knows": post(call, ["host: x", json, "content-encoding: tea"], "{}"),
  "what is not packed": post(call, ["host: x", json, "content-encoding: gzip"], "{}"),
  "a stream that is not packed": post(
    watch,
    ["host: x", "content-type: application/connect+json", "connect-content-encoding: gzip"],
    "\0\0\0\0\x02{}",
  ),
  "a type that is none": post(call, ["host: x", "content-type: ;;;"], "{}"),
  "a gRPC call": post(call, ["host: x", "content-type: application/grpc+proto", "grpc-timeout: 99999999H"], "\0\0\0\0\0"),
  "a gRPC-Web call with a deadline that is none": post(
    call,
    ["host: x", "content-type: application/grpc-web+proto", "grpc-timeout: x"],
    "\0\0\0\0\0",
  ),
  "a query that is none": `GET ${call}?connect=v1&encoding=proto&base64=1&message=%%% HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
  "lists in lists": post(call, ["host: x", json], `{"filter":${"[".repeat(nested)}`),
  "objects in objects": post(call, ["host: x", json], `${'{"filter":'.repeat(nested)}1${"}".repeat(nested)}`),
  "groups in groups": post(call, ["host: x", "content-type: application/proto"], "\x0b".repeat(nested)),
  "no proof but a header of one": post(call, ["host: x", json, "authorization: Bearer"], "{}"),
  "a cookie that is none": post(call, ["host: x", json, "cookie: =;=;\xff"], "{}"),
  "an address of a caller that is none": post(call, ["host: x", json, "x-forwarded-for: ,,[::"], "{}"),
  "a trace that is none": post(call, ["host: x", json, "traceparent: 00-zz"], "{}"),
};

/** The same of HTTP/2, where a client may leave more out. */
const streams: Readonly<Record<string, OutgoingHttpHeaders>> = {
  "no host": { ":method": "POST", ":path": call, ":authority": "" },
  "a host that is none": { ":method": "POST", ":path": call, ":authority": "[" },
  "a path that is none": { ":method": "POST", ":path": "*" },
  "a path of slashes": { ":method": "POST", ":path": "//" },
  "a connection to elsewhere": { ":method": "CONNECT", ":authority": "example.com:443" },
  "another protocol": { ":method": "CONNECT", ":protocol": "websocket", ":scheme": "https", ":path": call, ":authority": "x" },
  "a stream without a host": { ":method": "POST", ":path": watch, ":authority": "", "content-type": "application/connect+proto" },
};

/** What comes back until the server hangs up. */
async function heardFrom(socket: Socket, request: string): Promise<string> {
  let heard = "";
  await new Promise<void>((resolve, reject) => {
    socket.setTimeout(answerLimitMs, () => reject(new Error("neither an answer nor an end")));
    socket.on("data", (bytes: Buffer) => (heard += bytes.toString("latin1")));
    socket.on("error", () => resolve());
    socket.on("close", () => resolve());
    socket.write(request, "latin1");
  }).finally(() => socket.destroy());
  return heard;
}

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-odd-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each([
  ["for tokens alone", false, false],
  ["that people sign in to", true, false],
  ["that people sign in to, with TLS", true, true],
])("a plane %s", (_name, signsIn, isTls) => {
  let plane: PlaneProcess;

  beforeAll(async () => {
    const database = { databaseUrl: join(folder, `${signsIn}-${isTls}.db`), keyFile: join(folder, "plane.key") };
    const { certFile, keyFile } = makeCertificate(folder);
    const tls = isTls ? ["--tls-cert", certFile, "--tls-key", keyFile] : [];
    plane = await PlaneProcess.start(database, ...(signsIn ? ["--public-url", "https://plane.example.com"] : []), ...tls);
  });
  afterAll(async () => plane.stop());

  const open = (): Socket =>
    isTls
      ? connectTls({ host: "127.0.0.1", port: plane.port, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] })
      : connect(plane.port, "127.0.0.1");

  /** Whether it goes on as before, and has met no fault of its own. */
  async function isWell(): Promise<void> {
    expect(await heardFrom(open(), "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).toContain("200 OK");
    // Whoever reads the log finds lines of JSON in it, whatever a stranger does.
    const lines = plane.lines.filter((line) => !line.startsWith(saidOnce));
    expect(lines.filter((line) => !line.startsWith("{") || /"level":(?:50|60)/.test(line))).toEqual([]);
  }

  test.each(Object.entries(requests))("takes %s from a stranger, and goes on", async (_what, request) => {
    const heard = await heardFrom(open(), request);
    expect(heard).not.toMatch(/^HTTP\/1\.\d 5(?!01|05)/);
    await isWell();
  });

  test("refuses what makes no address", async () => {
    expect(await heardFrom(open(), requests["a host that is none"] ?? "")).toMatch(/^HTTP\/1\.1 400 /);
    expect(await heardFrom(open(), requests["no host, which HTTP/1.0 allows"] ?? "")).toMatch(/^HTTP\/1\.1 400 /);
  });

  test.each(Object.entries(streams))("takes %s by HTTP/2 from a stranger, and goes on", async (_what, headers) => {
    const session = connectHttp2(`${isTls ? "https" : "http"}://127.0.0.1:${plane.port}`, { rejectUnauthorized: false });
    const ended = new Promise<void>((resolve, reject) => {
      AbortSignal.timeout(answerLimitMs).addEventListener("abort", () => reject(new Error("neither an answer nor an end")));
      const stream = session.request(headers, { endStream: true });
      stream.on("response", ({ ":status": status = 0 }) => {
        if (status >= 500) reject(new Error(`it was answered ${status}`));
      });
      for (const broken of [session, stream]) broken.on("error", () => resolve()).on("close", () => resolve());
      stream.resume();
    });
    await ended.finally(() => session.destroy());
    await isWell();
  });

  test.each([call, watch, "/oauth/token", "/auth/sign-in"])("goes on when strangers break off what they ask %s", async (path) => {
    const session = connectHttp2(`${isTls ? "https" : "http"}://127.0.0.1:${plane.port}`, { rejectUnauthorized: false });
    session.on("error", () => undefined);
    const { NGHTTP2_PROTOCOL_ERROR, NGHTTP2_INTERNAL_ERROR, NGHTTP2_CANCEL } = constants;
    for (const code of [NGHTTP2_PROTOCOL_ERROR, NGHTTP2_INTERNAL_ERROR, NGHTTP2_CANCEL])
      for (const type of ["application/json", "application/connect+proto", "application/x-www-form-urlencoded"]) {
        const stream = session.request({ ":method": "POST", ":path": path, "content-type": type, "content-length": "100" });
        const closed = new Promise<void>((resolve) => {
          stream.on("error", () => undefined);
          stream.on("close", () => resolve());
        });
        stream.resume();
        stream.write("half of it");
        // By then it has been handed on.
        await isWell();
        stream.close(code);
        await closed;
      }
    await isWell();
    session.destroy();
  });
});
