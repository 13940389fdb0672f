import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Log, silentLog } from "../lib/log.ts";
import { HttpServer, type PlainPages } from "./http-server.ts";

/** Several times as long as it takes until changed files are seen. */
const rotationLimitMs = 15_000;

let folder: string;
let server: HttpServer;
let logged: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-http-"));
  logged = [];
});
afterEach(async () => {
  await server.drain(AbortSignal.abort());
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

async function start(pages: PlainPages = {}): Promise<void> {
  const log: Log = { ...silentLog, error: (message) => logged.push(message) };
  const listen = { host: "127.0.0.1", port: 0 };
  server = await HttpServer.start({ listen, tls: files, pages, log, shutdown: new AbortController().signal });
}

/** Whose certificate a new connection is shown. */
async function nameShown(): Promise<string> {
  const socket = connectTls({ port: server.port, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const name = String(socket.getPeerCertificate().subject.CN);
  socket.destroy();
  return name;
}

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
