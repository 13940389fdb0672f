import { type DescService } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { enrolRunner } from "../../src/bridge/runner/enrol.ts";
import { fileRunnerState } from "../../src/bridge/runner/runner-state.ts";
import { OrganizationService } from "../../src/contract/gen/gitpod/v1/organization_pb.js";
import { RunnerKind, RunnerProvider } from "../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerService } from "../../src/contract/gen/gitpod/v1/runner_pb.js";
import { runnerPaths } from "../../src/host/runner/runner-paths.ts";
import { systemClock } from "../../src/lib/clock.ts";
import type { CliHome, RunningCommand } from "../integration/cli-home.ts";
import { spawnBerth } from "../integration/runner/runner-cli.ts";
import { createAdmin, type DatabaseFlags, PlaneProcess } from "../integration/server/plane-process.ts";
import { type Databases, postgresDatabases } from "../integration/store/databases.ts";
import { freePort } from "../support/free-port.ts";
import { DnsServer } from "../support/sign-in/dns-server.ts";
import { StandardProvider } from "../support/sign-in/standard-provider.ts";
import { WebBrowser } from "../support/sign-in/web-browser.ts";

const clientSecret = "secret-of-berth-at-the-provider";
const email = "grace@example.com";
const people = { grace: { name: "Grace", email, email_verified: true } };

/** A plane on PostgreSQL with an identity provider, a gateway of it in a process of its own, and a headless runner with real machines. */
export class RemoteWorld {
  readonly folder = mkdtempSync(join(tmpdir(), "berth-remote-"));
  readonly #databases: Databases = postgresDatabases();
  readonly #provider = new StandardProvider();
  readonly #repositories = new Repositories(join(this.folder, "git"));
  #dns!: DnsServer;
  #database: DatabaseFlags = { databaseUrl: "", keyFile: join(this.folder, "plane.key") };
  #plane!: PlaneProcess;
  #planeFlags: string[] = [];
  #gateway!: PlaneProcess;
  #recorder!: Recorder;
  #runner: RunningCommand | undefined;
  runnerId = "";
  admin = { organizationId: "", userId: "", token: "" };

  get planeUrl(): string {
    return this.#plane.baseUrl;
  }

  /** All bytes that came to the gateway and went from it. */
  get seenAtGateway(): Buffer {
    return Buffer.concat(this.#recorder.seen);
  }

  async start(): Promise<void> {
    await this.#databases.start();
    this.#database = { ...this.#database, databaseUrl: await this.#databases.make() };
    this.admin = await createAdmin(this.#database);
    this.#dns = await DnsServer.start();
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    await this.#provider.start(people, () => [`${origin}/auth/callback/${this.admin.organizationId}`], "localhost");
    const provider = ["--provider-allow-http", "on", "--provider-networks", "127.0.0.0/8,::1", "--dns-servers", this.#dns.address];
    this.#planeFlags = ["--listen", `127.0.0.1:${port}`, "--public-url", origin, ...provider];
    this.#plane = await PlaneProcess.start(this.#database, ...this.#planeFlags);
    await this.#letPeopleSignIn();
    this.#recorder = await Recorder.start();
    const gateway = ["--gateway-name", "journey", "--gateway-url", `http://127.0.0.1:${this.#recorder.port}`];
    this.#gateway = await PlaneProcess.start(this.#database, ...gateway, "--public-url", origin, "--drain-limit-seconds", "1");
    this.#recorder.to = this.#gateway.port;
    await this.#repositories.start();
    await this.#startRunner();
  }

  async killPlane(): Promise<void> {
    this.#plane.signal("SIGKILL");
    await this.#plane.ended();
  }

  async startPlaneAgain(): Promise<void> {
    this.#plane = await PlaneProcess.start(this.#database, ...this.#planeFlags);
  }

  client<Service extends DescService>(service: Service, token = this.admin.token): Client<Service> {
    const transport = createConnectTransport({
      baseUrl: this.planeUrl,
      httpVersion: "1.1",
      interceptors: [
        (next) => async (request) => {
          request.header.set("authorization", `Bearer ${token}`);
          return next(request);
        },
      ],
    });
    return createClient(service, transport);
  }

  /** As a person does it, in a browser; gives the token that the desktop has then. */
  async signIn(desktop: CliHome, context: string): Promise<string> {
    const command = desktop.spawn(["context", "sign-in", context, "--json", "--no-open"]);
    await command.says(/http\S+&\S+\s/);
    const url = /http\S+&\S+/.exec(command.stderr)?.[0] ?? "";
    const browser = new WebBrowser();
    const login = await browser.submit(await browser.open(url), { email });
    const ask = await browser.submit(await browser.submit(login, { login: "grace" }));
    void browser.submit(ask, { answer: "allow" });
    const { status, stdout, stderr } = await command.end();
    if (status !== 0) throw new Error(`nobody was signed in: ${stderr}`);
    const { id } = JSON.parse(stdout) as { id: string };
    const kept = readFileSync(join(desktop.home, "contexts", id, "sign-in.json"), "utf8");
    return (JSON.parse(kept) as { accessToken: string }).accessToken;
  }

  /** A folder as a repository, where machines reach it. */
  publish(name: string, source: string): string {
    return this.#repositories.publish(name, source);
  }

  runnerLog(): string {
    const path = join(this.folder, "runner/logs/host.log");
    return `${this.#runner?.stderr ?? ""}\n${existsSync(path) ? readFileSync(path, "utf8") : ""}`;
  }

  async end(): Promise<void> {
    if (this.#runner !== undefined) await spawnBerth(["host", "stop"], this.#runnerEnv()).end();
    this.#runner?.child.kill("SIGTERM");
    await this.#runner?.end();
    await this.#gateway.stop();
    await this.#plane.stop();
    this.#recorder.end();
    this.#repositories.end();
    await this.#provider.end();
    this.#dns.end();
    await this.#databases.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #letPeopleSignIn(): Promise<void> {
    const { organizationId } = this.admin;
    const organizations = this.client(OrganizationService);
    const displayName = "The provider";
    await organizations.createSSOConfiguration({
      organizationId,
      clientId: "berth",
      clientSecret,
      issuerUrl: this.#provider.issuer,
      displayName,
    });
    const { domainVerification } = await organizations.createDomainVerification({ organizationId, domain: "example.com" });
    this.#dns.records.set("_berth-challenge.example.com", [domainVerification?.verificationToken ?? ""]);
    await organizations.verifyDomain({ domainVerificationId: domainVerification?.id ?? "" });
  }

  async #startRunner(): Promise<void> {
    const wanted = { name: "A server", kind: RunnerKind.REMOTE, provider: RunnerProvider.LINUX_HOST };
    const { runner, exchangeToken } = await this.client(RunnerService).createRunner(wanted);
    this.runnerId = runner?.runnerId ?? "";
    const { credential } = runnerPaths(join(this.folder, "runner"));
    mkdirSync(join(credential, ".."), { recursive: true, mode: 0o700 });
    const state = fileRunnerState(credential);
    await enrolRunner({ planeUrl: this.planeUrl, exchangeToken, state, clock: systemClock }, new AbortController().signal);
    this.#runner = spawnBerth(["runner", "run"], this.#runnerEnv());
    await this.#runner.says("the host is ready");
  }

  #runnerEnv(): NodeJS.ProcessEnv {
    return { HOME: this.folder, BERTH_HOME: join(this.folder, "runner"), ...picked("BERTH_IMAGES", "BERTH_ACCELERATOR") };
  }
}

function picked(...names: readonly string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
}

/** Stands before the gateway and notes what passes, as whoever has broken into the gateway could. */
class Recorder {
  readonly seen: Buffer[] = [];
  readonly #server: Server;
  to = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      const gateway = connect(this.to, "127.0.0.1");
      for (const [from, other] of [
        [socket, gateway],
        [gateway, socket],
      ] as const) {
        from.on("data", (chunk: Buffer) => this.seen.push(chunk));
        from.on("error", () => other.destroy());
        from.on("close", () => other.destroy());
        from.pipe(other);
      }
    });
  }

  static async start(): Promise<Recorder> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Recorder(server);
  }

  get port(): number {
    return portOf(this.#server.address());
  }

  end(): void {
    this.#server.close();
  }
}

/** `git http-backend` on this computer's address in its network, which machines reach as any neighbour's. */
class Repositories {
  readonly #folder: string;
  readonly #server = createHttpServer((request, response) => void this.#answer(request, response));

  constructor(folder: string) {
    this.#folder = folder;
  }

  async start(): Promise<void> {
    mkdirSync(this.#folder, { recursive: true });
    this.#server.listen(0, "0.0.0.0");
    await once(this.#server, "listening");
  }

  publish(name: string, source: string): string {
    const folder = join(this.#folder, name);
    cpSync(source, folder, { recursive: true });
    const git = (...args: readonly string[]): void =>
      void execFileSync("git", ["-c", "user.name=Test", "-c", "user.email=test@example.com", ...args], { cwd: folder });
    git("init", "--quiet", "--initial-branch=main");
    git("add", "--all");
    git("commit", "--quiet", "--message", "First");
    git("clone", "--quiet", "--bare", folder, `${folder}.git`);
    const address = Object.values(networkInterfaces())
      .flat()
      .find((one) => one?.family === "IPv4" && !one.internal)?.address;
    return `http://${address ?? "127.0.0.1"}:${portOf(this.#server.address())}/${name}.git`;
  }

  end(): void {
    this.#server.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    const backend = spawn("git", ["http-backend"], {
      env: {
        PATH: process.env["PATH"],
        GIT_PROJECT_ROOT: this.#folder,
        GIT_HTTP_EXPORT_ALL: "1",
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers["content-type"] ?? "",
        HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
        GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
        GIT_CONFIG_COUNT: "1",
        GIT_CONFIG_KEY_0: "safe.directory",
        GIT_CONFIG_VALUE_0: "*",
      },
      stdio: ["pipe", "pipe", "ignore"],
    });
    request.pipe(backend.stdin);
    const chunks: Buffer[] = [];
    backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    await once(backend, "close");
    const whole = Buffer.concat(chunks);
    const end = whole.indexOf("\r\n\r\n");
    for (const line of whole.subarray(0, end).toString("latin1").split("\r\n")) {
      const [name = "", ...value] = line.split(": ");
      if (name === "Status") response.statusCode = Number.parseInt(value.join(": "), 10);
      else response.setHeader(name, value.join(": "));
    }
    response.end(whole.subarray(end + 4));
  }
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
