import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentLog } from "../../lib/log.ts";
import { Sealer } from "../../plane/seal.ts";
import { authorityPem, serverPem } from "./certificates.fixture.ts";
import { collectNetwork } from "./machine-network.ts";
import { usableNameServers } from "./name-servers.ts";
import { NetworkSettings, type StoredNetwork } from "./network-settings.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-network-"));
  path = join(folder, "network.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = async () => NetworkSettings.open(path, await Sealer.open(join(folder, "key")), silentLog);
const own: StoredNetwork = { proxyMode: "own", httpProxy: "", httpsProxy: "", noProxy: "", caCertificateFiles: [] };
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

test("a proxy outlives the host, and its password is in no file", async () => {
  const wanted = { ...own, httpProxy: "http://ada:s3cret@proxy.example:3128", noProxy: "a b" };
  await (await open()).change(wanted);
  expect((await open()).stored).toEqual({ ...wanted, noProxy: "a,b" });
  expect(readFileSync(path, "utf8")).not.toMatch(/s3cret|ada|proxy\.example/);
});

test("an address that is shown without its password keeps it", async () => {
  const settings = await open();
  await settings.change({ ...own, httpProxy: "http://ada:s3cret@proxy.example:3128" });
  await settings.change({ ...own, httpProxy: "http://***@proxy.example:3128", noProxy: "x" });
  expect(settings.stored).toMatchObject({ httpProxy: "http://ada:s3cret@proxy.example:3128", noProxy: "x" });
});

test.each<[string, Partial<StoredNetwork>, RegExp]>([
  ["no address", { httpProxy: "http://ada:s3cret@" }, /\*\*\*.*not a URL/],
  ["one on the loopback", { httpsProxy: "http://ada:s3cret@127.0.0.1:3128" }, /own loopback/],
  ["a strange list", { noProxy: "a;b" }, /a;b/],
  ["no file", { caCertificateFiles: ["/nowhere/ca.pem"] }, /nowhere.*ENOENT/],
  ["a file without its path", { caCertificateFiles: ["ca.pem"] }, /absolute/],
])("%s is refused with a sentence, and nothing changes", async (_what, change, sentence) => {
  const settings = await open();
  await settings.change({ ...own, httpProxy: "http://kept.example" });
  const refused = await settings.change({ ...own, ...change }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "setting-invalid", detail: expect.stringMatching(sentence) });
  expect(String(refused)).not.toContain("s3cret");
  expect((await open()).stored.httpProxy).toBe("http://kept.example");
});

test.each([
  ["a server's certificate", serverPem, /server\.example.*not of an authority/],
  ["a damaged one", authorityPem.replace("MII", "AAA"), /damaged/],
  ["none", "just words", /no certificate/],
])("a file with %s is refused", async (_what, pem, sentence) => {
  const settings = await open();
  await expect(settings.change({ ...own, caCertificateFiles: [file("x.pem", pem)] })).rejects.toMatchObject({
    code: "setting-invalid",
    detail: expect.stringMatching(sentence),
  });
  expect(settings.stored.caCertificateFiles).toEqual([]);
});

test("what is set wins over the environment, and both bring authorities", async () => {
  const env = {
    HTTPS_PROXY: "http://env.example:1",
    NO_PROXY: "corp.example",
    NODE_EXTRA_CA_CERTS: file("ca.pem", authorityPem + serverPem),
  };
  const byEnvironment = await collectNetwork({ ...own, proxyMode: "computer" }, env);
  expect(byEnvironment.network).toMatchObject({
    httpProxy: "",
    httpsProxy: "http://env.example:1",
    noProxy: "corp.example,localhost,127.0.0.1,::1",
  });
  expect(byEnvironment.authorities).toEqual(["O=Acme, CN=Acme Inspection"]);
  expect(byEnvironment.problems).toEqual([]);
  expect((await collectNetwork({ ...own, proxyMode: "none" }, env)).network).toMatchObject({ httpsProxy: "", noProxy: "" });
  const bySettings = await collectNetwork(
    { ...own, httpProxy: "http://own.example", caCertificateFiles: [file("b.pem", authorityPem)] },
    env,
  );
  expect(bySettings.network).toMatchObject({ httpProxy: "http://own.example", httpsProxy: "" });
  expect(bySettings.authorities).toHaveLength(1);
});

test("what the environment has wrong is told, without the password, and left out", async () => {
  const env = { https_proxy: "http://ada:s3cret@127.0.0.1:3128", SSL_CERT_FILE: "/nowhere/ca.pem" };
  const { network, problems } = await collectNetwork({ ...own, proxyMode: "computer" }, env);
  expect(network).toMatchObject({ httpsProxy: "", caCertificatesPem: "" });
  expect(problems.map((p) => p.detail)).toEqual([
    expect.stringMatching(/\*\*\*@127.*own loopback/),
    expect.stringMatching(/SSL_CERT_FILE/),
  ]);
  expect(JSON.stringify(problems)).not.toContain("s3cret");
});

test("authorities that every program knows are not sent", async () => {
  const { rootCertificates } = await import("node:tls");
  const env = { SSL_CERT_FILE: file("system.pem", [...rootCertificates, authorityPem].join("\n")) };
  expect((await collectNetwork({ ...own, proxyMode: "computer" }, env)).authorities).toEqual(["O=Acme, CN=Acme Inspection"]);
});

test.each([
  ["nameserver 192.168.1.1\nnameserver 1.2.3.4\n", ["192.168.1.1", "1.2.3.4"]],
  ["# made by NetworkManager\nsearch corp.example\nnameserver 127.0.0.53\nnameserver 192.168.1.1\n", []],
  ["nameserver fd00::1\nnameserver 192.168.1.1\n", []],
  ["nameserver 192.168.1.1\nnameserver fd00::1\n", ["192.168.1.1"]],
  ["nameserver 169.254.169.254\n", []],
  ["", []],
])("of %j the machine can ask %j itself", (text, servers) => {
  expect(usableNameServers(text)).toEqual(servers);
});
