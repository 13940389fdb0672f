import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type RequestListener, type Server, createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { AddressRules } from "./address-rules.ts";
import { GuardedFetch, type OutboundOptions } from "./guarded-fetch.ts";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address() as AddressInfo;
  return address.port;
}

const get = { method: "GET", headers: {} };
const loopback: OutboundOptions = { allowHttp: true, allowedNetworks: ["127.0.0.0/8"] };

test.each([
  "http://provider.example/",
  "ftp://provider.example/",
  "file:///etc/passwd",
  "https://user:password@provider.example/",
  "https://127.0.0.1/",
  "https://0177.0.0.1/",
  "https://0x7f.1/",
  "https://2130706433/",
  "https://169.254.169.254/latest/meta-data",
  "https://[::1]/",
  "https://[::ffff:127.0.0.1]/",
  "https://[::ffff:7f00:1]/",
  "https://[64:ff9b::7f00:1]/",
  "https://[fd00::1]/",
  "https://[fe80::1]/",
  "https://10.0.0.1/",
  "https://192.168.1.1/",
  "https://100.64.0.1/",
  "https://0.0.0.0/",
  "not a URL",
])("%s is refused before anything is connected to", async (address) => {
  await expect(new GuardedFetch().fetch(address, get)).rejects.toMatchObject({ code: "address-not-allowed" });
});

test("addresses of the public internet are allowed, special ones are not", () => {
  const rules = new AddressRules(["10.20.0.0/16", "fd12::/16"]);
  for (const address of ["93.184.216.34", "2606:2800:220:1::1", "10.20.3.4", "fd12::1", "::ffff:93.184.216.34"])
    expect(rules.allows(address), address).toBe(true);
  for (const address of ["10.21.0.1", "fd13::1", "::", "::1", "2002:7f00:1::", "2001:0:1::1", "255.255.255.255", "name", ""])
    expect(rules.allows(address), address).toBe(false);
});

test("a name that leads inside is refused, also when only one of its addresses does", async () => {
  const port = await serve((_request, response) => void response.end("secret"));
  const inside = { address: "127.0.0.1", family: 4 };
  const outside = { address: "93.184.216.34", family: 4 };
  for (const addresses of [[inside], [outside, inside]]) {
    const guarded = new GuardedFetch({ allowHttp: true, resolve: () => Promise.resolve(addresses) });
    await expect(guarded.fetch(`http://provider.example:${port}/`, get)).rejects.toMatchObject({ code: "address-not-allowed" });
  }
});

test("the address that was checked is the one that is connected to", async () => {
  const port = await serve((_request, response) => void response.end("hello"));
  let lookups = 0;
  // A rebinding name: allowed at the first look, elsewhere at the second.
  const resolve = () => Promise.resolve([{ address: lookups++ === 0 ? "127.0.0.1" : "127.9.9.9", family: 4 }]);
  const guarded = new GuardedFetch({ ...loopback, resolve });
  const answer = await guarded.fetch(`http://provider.example:${port}/`, get);
  expect(await answer.text()).toBe("hello");
  expect(lookups).toBe(1);
});

test("a redirect is handed back and not followed", async () => {
  let asked = 0;
  const port = await serve((_request, response) => {
    asked += 1;
    response.writeHead(302, { location: "http://169.254.169.254/" }).end();
  });
  const answer = await new GuardedFetch(loopback).fetch(`http://127.0.0.1:${port}/`, get);
  expect([answer.status, asked]).toEqual([302, 1]);
});

test("an answer that is too big, packed or too slow is refused", async () => {
  const big = await serve((_request, response) => void response.end("x".repeat(2000)));
  const packed = await serve((_request, response) => void response.writeHead(200, { "content-encoding": "gzip" }).end("x"));
  const silent = await serve(() => undefined);
  const dripping = await serve((_request, response) => {
    response.writeHead(200);
    response.write("x");
  });
  const guarded = new GuardedFetch({ ...loopback, maxBytes: 1000, timeoutMs: 200 });
  for (const [port, reason] of [
    [big, "more than 1000 bytes"],
    [packed, "gzip"],
    [silent, "200 ms"],
    [dripping, "200 ms"],
  ] as const)
    await expect(guarded.fetch(`http://127.0.0.1:${port}/`, get)).rejects.toMatchObject({
      code: "sign-in-provider-unreachable",
      detail: expect.stringContaining(reason),
    });
});

/** A certificate that vouches for itself, with its key. */
function certificateFor(name: string): { readonly key: Buffer; readonly cert: string } {
  const folder = mkdtempSync(join(tmpdir(), "berth-certificate-"));
  const [keyPath, certPath] = [join(folder, "key"), join(folder, "cert")];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
  const names = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
  execFileSync("openssl", ["req", "-x509", ...kind, ...names, "-keyout", keyPath, "-out", certPath], { stdio: "ignore" });
  const made = { key: readFileSync(keyPath), cert: readFileSync(certPath, "utf8") };
  rmSync(folder, { recursive: true });
  return made;
}

test("over https the name's certificate is checked, though the address was looked up before", async () => {
  const own = certificateFor("provider.example");
  const server = createTlsServer(own, (_request, response) => void response.end("hello"));
  servers.push(server);
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const { port } = server.address() as AddressInfo;
  const resolve = () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]);
  const trusting = { allowedNetworks: ["127.0.0.1"], resolve, certificateAuthorities: [own.cert] };
  const answer = await new GuardedFetch(trusting).fetch(`https://provider.example:${port}/`, get);
  expect(await answer.text()).toBe("hello");
  const refused = { code: "sign-in-provider-unreachable" };
  await expect(new GuardedFetch(trusting).fetch(`https://another.example:${port}/`, get)).rejects.toMatchObject(refused);
  const stranger = { ...trusting, certificateAuthorities: [certificateFor("provider.example").cert] };
  await expect(new GuardedFetch(stranger).fetch(`https://provider.example:${port}/`, get)).rejects.toMatchObject(refused);
});
