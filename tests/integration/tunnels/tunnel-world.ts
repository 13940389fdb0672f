import { create, type DescService } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type OpenedTunnel, openTunnel } from "../../../src/bridge/open-tunnel.ts";
import { createRunner, type Runner } from "../../../src/bridge/runner/create-runner.ts";
import { enrolRunner } from "../../../src/bridge/runner/enrol.ts";
import type { RunnerState } from "../../../src/bridge/runner/runner-state.ts";
import type { DialSsh } from "../../../src/bridge/runner/tunnel-answer.ts";
import { GatewayService } from "../../../src/contract/gen/gitpod/v1/gateway_pb.js";
import { type Environment, EnvironmentPhase, EnvironmentService } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import {
  EnvironmentClassSchema,
  RunnerConfigurationService,
  RunnerKind,
  RunnerProvider,
} from "../../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerPhase, RunnerService } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import { openSsh } from "../../../src/host/dial-ssh.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { silentLog } from "../../../src/lib/log.ts";
import { waitUntil } from "../../../src/lib/wait-until.ts";
import { SimulatedComputer } from "../../../src/vm/simulated/simulated-driver.ts";
import { freePort } from "../../support/free-port.ts";
import { RunnerEngine } from "../runners/runner-engine.ts";
import { defaultAnswers, memoryCache, memoryClassCache, memoryState } from "../runners/runner-world.ts";
import { newFounder, newMember, type Person } from "../server/people.ts";
import { createAdmin, type DatabaseFlags, PlaneProcess } from "../server/plane-process.ts";
import type { Databases } from "../store/databases.ts";

const pollMs = 50;
const waitLimitMs = 40_000;

/** A runner that has signed up, with an engine on a simulated computer, whose ssh gives back what it is sent. */
export interface WorldRunner {
  readonly id: string;
  readonly state: RunnerState;
  readonly runner: Runner;
  /** The class of its environments. */
  readonly classId: string;
  end(): Promise<void>;
}

/** The API of a plane, a gateway of it (a process of its own where the database lets several be), people and runners. */
export class TunnelWorld {
  readonly folder = mkdtempSync(join(tmpdir(), "berth-tunnels-"));
  readonly #databases: Databases;
  readonly #ends: (() => Promise<unknown> | void)[] = [];
  #database: DatabaseFlags = { databaseUrl: "", keyFile: "" };
  #api: PlaneProcess | undefined;
  #gateway: PlaneProcess | undefined;
  #apiPort = 0;
  gatewayUrl = "";
  admin = { organizationId: "", userId: "", token: "" };
  ada!: Person;
  bob!: Person;
  /** In another organization. */
  mallory!: Person;

  constructor(databases: Databases) {
    this.#databases = databases;
  }

  /** One process is both on SQLite. */
  get isSplit(): boolean {
    return this.#databases.name !== "SQLite";
  }

  async start(): Promise<void> {
    this.#database = { databaseUrl: await this.#databases.make(), keyFile: join(this.folder, "plane.key") };
    this.admin = await createAdmin(this.#database);
    const store = await this.#databases.open(this.#database.databaseUrl);
    this.ada = await newMember(store, this.admin.organizationId, "Ada2");
    this.bob = await newMember(store, this.admin.organizationId, "Bob");
    this.mallory = await newFounder(store, "Mallory");
    await store.close();
    const port = await freePort();
    this.gatewayUrl = `http://127.0.0.1:${port}`;
    const gatewayFlags = ["--gateway-name", "here", "--gateway-url", this.gatewayUrl, "--gateway-region", "test"];
    const listen = ["--listen", `127.0.0.1:${port}`];
    this.#gateway = await PlaneProcess.start(this.#database, ...gatewayFlags, ...listen, "--drain-limit-seconds", "1");
    this.#api = this.isSplit ? await PlaneProcess.start(this.#database, "--drain-limit-seconds", "1") : this.#gateway;
    this.#apiPort = this.#api.port;
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${this.#apiPort}`;
  }

  async killApi(): Promise<void> {
    this.#api?.signal("SIGKILL");
    await this.#api?.ended();
  }

  async startApiAgain(): Promise<void> {
    this.#api = await PlaneProcess.start(this.#database, "--listen", `127.0.0.1:${this.#apiPort}`);
  }

  client<Service extends DescService>(service: Service, token: string, url = this.apiUrl): Client<Service> {
    const transport = createConnectTransport({
      baseUrl: url,
      httpVersion: "2",
      interceptors: [
        (next) => async (request) => {
          request.header.set("authorization", `Bearer ${token}`);
          return next(request);
        },
      ],
    });
    return createClient(service, transport);
  }

  async newRunner(options: { readonly dialSsh?: DialSsh; readonly token?: string } = {}): Promise<WorldRunner> {
    const runners = this.client(RunnerService, options.token ?? this.admin.token);
    const wanted = { name: `Runner ${performance.now()}`, kind: RunnerKind.REMOTE, provider: RunnerProvider.LINUX_HOST };
    const { runner: made, exchangeToken } = await runners.createRunner(wanted);
    const id = made?.runnerId ?? "";
    const enrolment = { planeUrl: this.apiUrl, exchangeToken, state: memoryState(), clock: systemClock };
    const state = await enrolRunner(enrolment, new AbortController().signal);
    const end = new AbortController();
    const computer = new SimulatedComputer();
    const runner = createRunner({
      state,
      cache: memoryCache(),
      classCache: memoryClassCache(),
      answers: defaultAnswers,
      dialSsh: options.dialSsh ?? (async (environmentId, signal) => openSsh(engine.machines, environmentId, signal)),
      describe: async () => ({
        environmentClasses: [create(EnvironmentClassSchema, { displayName: `Small of ${id}`, description: "small" })],
        status: { version: "1" },
        configurationSchema: { version: "1" },
      }),
      ...{ clock: systemClock, log: silentLog, random: Math.random, signal: end.signal },
    });
    const engine: RunnerEngine = new RunnerEngine(runner.environmentStore, join(this.folder, id), computer);
    const ended = runner.link.run(end.signal).catch(() => undefined);
    const stop = async (): Promise<void> => {
      engine.stop();
      end.abort();
      await ended;
      for (const machine of computer.machines.keys()) computer.end(machine, "killed", "");
    };
    this.#ends.push(stop);
    await engine.start();
    await until(
      "the runner is active",
      async () => (await runners.getRunner({ runnerId: id })).runner?.status?.phase === RunnerPhase.ACTIVE,
    );
    const configuration = this.client(RunnerConfigurationService, options.token ?? this.admin.token);
    const { environmentClasses } = await configuration.listEnvironmentClasses({ filter: { runnerIds: [id] } });
    return { id, state, runner, classId: environmentClasses[0]?.id ?? "", end: stop };
  }

  /** One that runs on a runner, of a person. */
  async newEnvironment({ token }: Person, classId: string): Promise<string> {
    const api = this.client(EnvironmentService, token);
    const url = "https://simulated.test/web.git";
    const spec = {
      machine: { class: classId },
      content: { initializer: { specs: [{ spec: { case: "contextUrl" as const, value: { url } } }] } },
    };
    const { environment } = await api.createEnvironment({ name: `web-${Math.round(performance.now())}`, spec });
    const id = environment?.id ?? "";
    await this.whenPhase(id, token, EnvironmentPhase.RUNNING);
    return id;
  }

  async whenPhase(environmentId: string, token: string, phase: EnvironmentPhase): Promise<void> {
    await this.when(environmentId, token, ({ status }) => status?.phase === phase);
  }

  async when(environmentId: string, token: string, condition: (environment: Environment) => boolean): Promise<void> {
    const api = this.client(EnvironmentService, token);
    await until("the environment is as wanted", async () => {
      const { environment } = await api.getEnvironment({ environmentId });
      return environment !== undefined && condition(environment);
    });
  }

  async open(token: string, environmentId: string): Promise<OpenedTunnel> {
    const opened = await openTunnel({
      gatewayUrl: this.gatewayUrl,
      accessToken: token,
      environmentId,
      signal: AbortSignal.timeout(waitLimitMs),
    });
    opened.stream.on("error", () => undefined);
    return opened;
  }

  async gateways(token: string): Promise<string[]> {
    const { gateways } = await this.client(GatewayService, token).listGateways({});
    return gateways.map(({ name, url, region }) => `${name} ${url} ${region}`);
  }

  /** As SIGTERM asks it to. */
  async drainGateway(): Promise<void> {
    await this.#gateway?.stop();
  }

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0).toReversed()) await end();
    await this.#gateway?.stop();
    await this.#api?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  let seen: unknown;
  const look = async (): Promise<boolean> => condition().catch((error: unknown) => ((seen = error), false));
  const held = await waitUntil(look, { intervalMs: pollMs, signal: AbortSignal.timeout(waitLimitMs) });
  if (!held) throw new Error(`${what}: not in time`, { cause: seen });
}
