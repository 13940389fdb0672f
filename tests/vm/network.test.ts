import { createClient } from "@connectrpc/connect";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import { createServer as createTcpServer } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type NetworkSettings, ProxyMode, SettingsService } from "../../src/contract/gen/berth/v1/settings_pb.js";
import { HostSessions, hostTransport } from "../../src/lib/host-transport.ts";
import { berthPaths } from "../../src/lib/paths.ts";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { must, type Outcome, Product, run } from "./product.ts";

/**
 * A company's network: a git server with a certificate of the company's own authority, and a proxy with a password,
 * both on this computer's own address, which is the nearest thing outside that the machine may reach.
 */
const product = new Product(inject("productFolder"));
const folder = join(product.folder, "company");
const password = "right-proxy-password";
const address = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;
const sessions = new HostSessions(berthPaths(product.env).apiSocket);
const settings = createClient(SettingsService, hostTransport(sessions));
const applyLimitMs = 120_000;
const name = "company";
let server: Server;
let proxy: ChildProcess;
let serverPort = 0;
let proxyPort = 0;

beforeAll(async () => {
  if (address === undefined) throw new Error("this computer has no address but the loopback's");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  makeCertificates(address);
  makeRepository();
  server = createServer({ key: readFileSync(path("server.key")), cert: readFileSync(path("server.pem")) }, (request, response) => {
    // git's dumb protocol: a repository is a folder of files (githttp-backend(1) is not needed for it).
    const { pathname } = new URL(request.url ?? "/", "https://server");
    if (pathname === "/v2/") return void response.writeHead(401).end();
    try {
      response.end(readFileSync(path(pathname.slice(1))));
    } catch {
      response.writeHead(404).end();
    }
  });
  serverPort = await listen(server);
  proxyPort = await freePort();
  writeFileSync(
    path("tinyproxy.conf"),
    [
      `Port ${proxyPort}`,
      `Listen ${address}`,
      "Timeout 60",
      `BasicAuth ada ${password}`,
      `LogFile "${path("proxy.log")}"`,
      "LogLevel Connect",
      "",
    ].join("\n"),
  );
  proxy = spawn("tinyproxy", ["-d", "-c", path("tinyproxy.conf")], { stdio: "ignore" });
}, applyLimitMs);

afterAll(async () => {
  await set({ proxyMode: ProxyMode.NONE });
  await product.deleteAll([name, "untrusted"]);
  sessions.abort();
  proxy.kill("SIGKILL");
  server.closeAllConnections();
  server.close();
});

function path(file: string): string {
  return join(folder, file);
}

function makeCertificates(host: string): void {
  const openssl = (...args: readonly string[]): void => void must(run("openssl", args, { cwd: folder }));
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/O=Acme/CN=Acme Inspection", "-days", "30");
  openssl("req", ...key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=server");
  writeFileSync(path("server.ext"), `subjectAltName=IP:${host}\n`);
  openssl(
    "x509",
    "-req",
    "-in",
    "server.csr",
    "-CA",
    "ca.pem",
    "-CAkey",
    "ca.key",
    "-CAcreateserial",
    "-extfile",
    "server.ext",
    "-out",
    "server.pem",
    "-days",
    "30",
  );
}

function makeRepository(): void {
  const git = (...args: readonly string[]): void =>
    void must(run("git", ["-c", "user.name=T", "-c", "user.email=t@e", ...args], { cwd: folder }));
  git("init", "--quiet", "--initial-branch=main", "work");
  writeFileSync(path("work/greeting.txt"), "from the company\n");
  git("-C", "work", "add", "--all");
  git("-C", "work", "commit", "--quiet", "--message", "First");
  git("clone", "--quiet", "--bare", "work", "app.git");
  git("-C", "app.git", "update-server-info");
}

async function listen(listening: Server): Promise<number> {
  await new Promise<void>((resolve) => listening.listen(0, address, resolve));
  const bound = listening.address();
  return typeof bound === "object" && bound !== null ? bound.port : 0;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  const port = await listen(probe);
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  return port;
}

async function set(network: Partial<NetworkSettings>): Promise<void> {
  const { proxyMode = ProxyMode.OWN, httpProxy = "", httpsProxy = "", noProxy = "", caCertificateFiles = [] } = network;
  await settings.updateSettings({ network: { proxyMode, httpProxy, httpsProxy, noProxy, caCertificateFiles } });
}

/** What is set arrives without anybody waiting for it. */
async function eventually(look: () => Promise<Outcome>, wanted: RegExp): Promise<void> {
  let last = "";
  const seen = await waitUntil(
    async () => {
      const { stdout, stderr } = await look();
      last = stdout + stderr;
      return wanted.test(last);
    },
    { intervalMs: 500, signal: AbortSignal.timeout(applyLimitMs) },
  );
  expect(seen, last).toBe(true);
}

// The servers are in this process, which must not wait for those who ask them.
const berth = async (...args: readonly string[]): Promise<Outcome> => product.berthBeside(...args);
const inContainer = async (script: string): Promise<Outcome> => berth("exec", name, "--", "sh", "-c", script);
const inMachine = async (...argv: readonly string[]): Promise<Outcome> => berth("machine", "shell", "--", ...argv);
/** Asked of dockerd, which may be starting anew just then. */
const containersStarted = async (): Promise<string> => {
  const script =
    "until docker version > /dev/null 2>&1; do sleep 0.2; done; docker inspect --format '{{.State.StartedAt}}' $(docker ps --quiet)";
  return must(await inMachine("sh", "-c", script)).stdout;
};
const create = async (environment: string): Promise<Outcome> =>
  (await product.createAll([{ name: environment, source: url() }])).get(environment) ?? { status: 1, stdout: "", stderr: "not made" };
const url = (): string => `https://${address}:${serverPort}/app.git`;
const proxyUrl = (): string => `http://ada:${password}@${address}:${proxyPort}`;
/** How often the proxy was asked for the server. */
const proxied = (): number => readFileSync(path("proxy.log"), "utf8").split(`CONNECT ${address}:${serverPort} `).length - 1;

test("without the company's authority a clone fails and says so, and the diagnosis names who issued the certificate", async () => {
  await set({ proxyMode: ProxyMode.NONE });
  const refused = await create("untrusted");
  expect(refused.status).toBe(4);
  expect(refused.stderr).toMatch(/certificate is not trusted[\s\S]*in the settings, under Network/);
  const target = `${address}:${serverPort}`;
  const { status, stdout } = await berth("doctor", "network", target, "--registry", target, "--json");
  expect(status).toBe(1);
  expect(diagnosis(stdout, "tcp")).toMatchObject({ severity: "ok" });
  expect(diagnosis(stdout, "tls")).toMatchObject({ severity: "error", detail: expect.stringContaining("issued by Acme, Acme Inspection") });
});

test("with authority and proxy set, git clones through the proxy, and commands in the container get there too", async () => {
  await set({ httpsProxy: proxyUrl(), httpProxy: proxyUrl(), caCertificateFiles: [path("ca.pem")] });
  await eventually(async () => inMachine("docker", "info", "--format", "{{.HTTPSProxy}}"), new RegExp(`@${address}:${proxyPort}`));
  must(await create(name));
  expect((await inContainer("cat greeting.txt")).stdout).toBe("from the company\n");
  const before = proxied();
  expect(before).toBeGreaterThan(0);
  expect(must(await inContainer(`git ls-remote ${url()}`)).stdout).toContain("refs/heads/main");
  expect(
    must(await inContainer(`node -e 'require("https").get("https://${address}:${serverPort}/v2/", (r) => console.log(r.statusCode))'`))
      .stdout,
  ).toBe("401\n");
  expect(proxied()).toBeGreaterThan(before);
});

test("a way that is well is told step by step, to the container", async () => {
  const target = `${address}:${serverPort}`;
  const { status, stdout } = await berth("doctor", "network", target, "--registry", target, "--json");
  expect(status, stdout).toBe(0);
  for (const id of ["host", "link", "tcp", "tls", "proxy", "registry", "container"])
    expect(diagnosis(stdout, id), stdout).toMatchObject({ severity: "ok" });
  expect(diagnosis(stdout, "registry")).toMatchObject({ detail: expect.stringContaining("401") });
  expect(stdout).not.toContain(password);
});

test("the proxy's password is in no log and no command line", async () => {
  expect(product.hostLog() + product.berth("logs", name).stdout).not.toContain(password);
  expect((await inMachine("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")).stdout).not.toContain(password);
  expect((await settings.getSettings({})).settings?.network?.httpsProxy).toBe(`http://***@${address}:${proxyPort}`);
});

test("a change arrives in the next command of a container that runs on, and in ssh", async () => {
  const started = await containersStarted();
  await set({ httpsProxy: "http://other.example:3128", noProxy: "intra.example", caCertificateFiles: [] });
  await eventually(
    async () => inContainer('echo "$HTTPS_PROXY $no_proxy $HTTP_PROXY ${SSL_CERT_FILE-none}"'),
    /^http:\/\/other\.example:3128 intra\.example,localhost,127\.0\.0\.1,::1  none$/m,
  );
  await set({ proxyMode: ProxyMode.NONE });
  await eventually(async () => product.sshBeside(name, 'echo "proxy <$HTTPS_PROXY>"'), /^proxy <>$/m);
  expect(await containersStarted()).toBe(started);
  expect((await inContainer(`git ls-remote ${url()}`)).status).not.toBe(0);
});

test("a machine on slirp is kept from this computer's loopback by its firewall, and no machine has a door to the other", async () => {
  const other = new Product();
  other.env["BERTH_NETWORK"] = "slirp";
  const listener = createTcpServer((socket) => socket.end("reached"));
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const bound = listener.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : 0;
  const knock = async (): Promise<string> => {
    const script = `timeout 5 bash -c 'cat < /dev/tcp/10.0.2.2/${port}' 2> /dev/null; true`;
    return must(await other.berthBeside("machine", "shell", "--", "bash", "-c", script)).stdout;
  };
  try {
    must(await other.berthBeside("machine", "start"));
    expect(await knock()).toBe("");
    for (const { home } of [product, other])
      for (const pid of processes(home)) expect(run("ss", ["-Hltnp"]).stdout).not.toContain(`pid=${pid},`);
    // It is the firewall alone, which the machine's root can take down: with passt not even that helps.
    must(await other.berthBeside("machine", "shell", "--", "nft", "flush", "ruleset"));
    expect(await knock()).toBe("reached");
  } finally {
    other.end();
    listener.close();
  }
});

/** QEMU and what serves its link. */
function processes(home: string): number[] {
  const files = ["qemu.json", "passt.json"].map((file) => join(home, "machines/default", file)).filter((file) => existsSync(file));
  return files.map((file) => (JSON.parse(readFileSync(file, "utf8")) as { readonly pid: number }).pid);
}

function diagnosis(stdout: string, id: string): unknown {
  const all = stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { readonly id: string });
  return all.find((found) => found.id === `network-${id}`);
}
