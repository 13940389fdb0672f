import { create, type DescService } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRunner } from "../../../src/bridge/runner/create-runner.ts";
import { enrolRunner } from "../../../src/bridge/runner/enrol.ts";
import { type Environment, type EnvironmentPhase, EnvironmentService } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { EnvironmentClassSchema, RunnerKind, RunnerProvider } from "../../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerService } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import { openSsh } from "../../../src/host/dial-ssh.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { silentLog } from "../../../src/lib/log.ts";
import { EnvironmentRecords } from "../../../src/plane/environment-records.ts";
import { environmentKind } from "../../../src/plane/store/kinds.ts";
import { SimulatedComputer } from "../../../src/vm/simulated/simulated-driver.ts";
import { RunnerEngine } from "../runners/runner-engine.ts";
import { defaultAnswers, memoryCache, memoryClassCache, memoryState } from "../runners/runner-world.ts";
import { createAdmin, type DatabaseFlags, PlaneProcess } from "../server/plane-process.ts";
import { sqliteDatabases } from "../store/databases.ts";
import { makeCertificate } from "../../support/certificate.ts";

/** `berth-plane serve` with TLS, and a runner of it on simulated machines, which works on while the plane is away. */
export class PlaneWithRunner {
  readonly #databases = sqliteDatabases();
  readonly #folder = mkdtempSync(join(tmpdir(), "berth-remote-"));
  readonly #ended = new AbortController();
  readonly #database: DatabaseFlags = { databaseUrl: "", keyFile: join(this.#folder, "keys", "plane.key") };
  #process: PlaneProcess | undefined;
  #engine: RunnerEngine | undefined;
  #runner: Promise<unknown> = Promise.resolve();
  admin = { organizationId: "", userId: "", token: "" };
  url = "";

  /** What trusts its certificate. */
  get env(): NodeJS.ProcessEnv {
    return { NODE_EXTRA_CA_CERTS: this.#path("tls.crt") };
  }

  async start(): Promise<void> {
    makeCertificate(this.#path("."));
    await this.#databases.start();
    Object.assign(this.#database, { databaseUrl: await this.#databases.make() });
    this.admin = await createAdmin(this.#database);
    this.#process = await PlaneProcess.start(this.#database, ...this.#tls);
    this.url = `https://127.0.0.1:${this.#process.port}`;
    await this.#startRunner();
  }

  /** As a crash of its computer does it. */
  async kill(): Promise<void> {
    this.#process?.signal("SIGKILL");
    await this.#process?.ended();
  }

  /** At the same address; from then on with a gateway where one is wanted. */
  async startAgain({ isGateway = false } = {}): Promise<void> {
    const gateway = isGateway ? ["--gateway-name", "here", "--gateway-url", this.url] : [];
    this.#process = await PlaneProcess.start(this.#database, ...this.#tls, ...gateway, "--listen", new URL(this.url).host);
  }

  /** As when its computer is turned off. */
  async endRunner(): Promise<void> {
    this.#ended.abort();
    await this.#runner;
  }

  /** As anybody else works with it. */
  client<Service extends DescService>(service: Service): Client<Service> {
    const transport = createConnectTransport({
      baseUrl: this.url,
      httpVersion: "1.1",
      nodeOptions: { ca: readFileSync(this.#path("tls.crt")) },
      interceptors: [
        (next) => async (request) => {
          request.header.set("authorization", `Bearer ${this.admin.token}`);
          return next(request);
        },
      ],
    });
    return createClient(service, transport);
  }

  /** Fails when there is none of this name. */
  async environment(name: string): Promise<Environment> {
    const { environments } = await this.client(EnvironmentService).listEnvironments({});
    const found = environments.find(({ metadata }) => metadata?.name === name);
    if (found === undefined) throw new Error(`there is no environment ${name}`);
    return found;
  }

  /** By name. */
  async phases(): Promise<Readonly<Record<string, EnvironmentPhase | undefined>>> {
    const { environments } = await this.client(EnvironmentService).listEnvironments({});
    return Object.fromEntries(environments.map(({ metadata, status }) => [metadata?.name ?? "", status?.phase]));
  }

  /** Changes an environment in the database, as somebody did before whoever waits for the plane was heard. */
  async changeWhileAway(name: string, change: (draft: Environment) => void): Promise<void> {
    const store = await this.#databases.open(this.#database.databaseUrl);
    const inOrganization = store.inOrganization(this.admin.organizationId);
    const { items } = await inOrganization.list(environmentKind, undefined, { where: {}, orderBy: "id", order: "ascending" });
    const found = items.find(({ message }) => message.metadata?.name === name);
    await new EnvironmentRecords(inOrganization, () => Date.now()).update(found?.message.id ?? "", change);
    await store.close();
  }

  async end(): Promise<void> {
    this.#engine?.stop();
    this.#ended.abort();
    await this.#runner;
    await this.#process?.stop();
    await this.#databases.stop();
    rmSync(this.#folder, { recursive: true });
  }

  get #tls(): string[] {
    return ["--tls-cert", this.#path("tls.crt"), "--tls-key", this.#path("tls.key"), "--drain-limit-seconds", "2"];
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  async #startRunner(): Promise<void> {
    const http2 = { ca: readFileSync(this.#path("tls.crt")) };
    const wanted = { name: "Rack 3", kind: RunnerKind.REMOTE, provider: RunnerProvider.LINUX_HOST };
    const { exchangeToken } = await this.client(RunnerService).createRunner(wanted);
    const enrolment = { planeUrl: this.url, exchangeToken, state: memoryState(), clock: systemClock, http2 };
    const { signal } = this.#ended;
    const runner = createRunner({
      state: await enrolRunner(enrolment, signal),
      cache: memoryCache(),
      classCache: memoryClassCache(),
      dialSsh: async (environmentId, ended) => openSsh(engine.machines, environmentId, ended),
      answers: defaultAnswers,
      describe: async () => ({
        environmentClasses: ["Small", "Large"].map((displayName) =>
          create(EnvironmentClassSchema, { displayName, description: "2 processors, 4 GiB" }),
        ),
        status: { version: "1", region: "here" },
        configurationSchema: { version: "1" },
      }),
      ...{ clock: systemClock, log: silentLog, random: Math.random, signal, http2 },
    });
    const engine: RunnerEngine = new RunnerEngine(runner.environmentStore, this.#folder, new SimulatedComputer());
    this.#runner = runner.link.run(signal).catch(() => undefined);
    this.#engine = engine;
    await engine.start();
  }
}
