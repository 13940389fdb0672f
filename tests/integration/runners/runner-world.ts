import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Client, HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import { BerthError } from "../../../src/contract/berth-error.ts";
import { type RunnerAnswers } from "../../../src/bridge/runner/answer-requests.ts";
import type { DialSsh } from "../../../src/bridge/runner/tunnel-answer.ts";
import { createRunner, type Runner } from "../../../src/bridge/runner/create-runner.ts";
import { enrolRunner } from "../../../src/bridge/runner/enrol.ts";
import type { EnvironmentCache } from "../../../src/bridge/runner/environment-cache.ts";
import type { ClassCache } from "../../../src/bridge/runner/runner-classes.ts";
import { PlaneConnection } from "../../../src/bridge/runner/plane-connection.ts";
import type { RunnerState, RunnerStateStore } from "../../../src/bridge/runner/runner-state.ts";
import { type EnvironmentStatus, EnvironmentStatusSchema } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { IdentityService } from "../../../src/contract/gen/gitpod/v1/identity_pb.js";
import { CheckAuthenticationForHostResponseSchema, ParseContextURLResponseSchema } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import {
  type EnvironmentClass,
  EnvironmentClassSchema,
  ValidateRunnerConfigurationResponseSchema,
} from "../../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import {
  type RunnerEnvironment,
  RunnerInteractionService,
  type WatchRequestsResponseSchema,
} from "../../../src/contract/gen/gitpod/v1/runner_interaction_pb.js";
import { SecretService } from "../../../src/contract/gen/gitpod/v1/secret_pb.js";
import type { Principal } from "../../../src/contract/principal.ts";
import { newSession, runnerSessionHeader } from "../../../src/contract/runner-protocol.ts";
import type { Clock } from "../../../src/lib/clock.ts";
import { openSealed } from "../../../src/lib/sealed-box.ts";
import { messageOf, silentLog } from "../../../src/lib/log.ts";
import { Authorizer, type ResourceReference } from "../../../src/plane/authorization/authorizer.ts";
import type { ResourceFacts } from "../../../src/plane/authorization/policy.ts";
import { translateErrors, validateRequests } from "../../../src/plane/interceptors.ts";
import { createRunnerPlane, type RunnerPlane } from "../../../src/plane/runners/create-runner-plane.ts";
import { type FanOut, InMemoryFanOut } from "../../../src/plane/runners/fan-out.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { MemoryRunners, organizationId } from "./memory-runners.ts";

/** One server process: the plane's side of the runner protocol on a real port, guarded as it is in a server. */
export class PlaneProcess {
  readonly plane: RunnerPlane;
  readonly port: number;
  readonly #server: Http2Server;
  readonly #sessions: Set<ServerHttp2Session>;
  readonly #stop = new AbortController();

  private constructor(plane: RunnerPlane, server: Http2Server, sessions: Set<ServerHttp2Session>, port: number) {
    this.plane = plane;
    this.#server = server;
    this.#sessions = sessions;
    this.port = port;
    plane.liveness.start(this.#stop.signal);
  }

  static async start(options: {
    readonly processId: string;
    readonly runners: MemoryRunners;
    readonly fanOut: FanOut;
    readonly clock: Clock;
    readonly port: number;
    /** Streams open and then say nothing. */
    readonly isStreamMute: boolean;
  }): Promise<PlaneProcess> {
    const { processId, runners, fanOut, clock } = options;
    const { records, credentials, environments, settings } = runners;
    const latestVersion = async () => ({ version: "2", autoUpdate: true, supervisorDownloadUrl: "", cliDownloadUrl: "" });
    const plane = createRunnerPlane({
      records,
      credentials,
      environments,
      settings,
      latestVersion,
      fanOut,
      processId,
      clock,
      log: silentLog,
    });
    const authorizer = new Authorizer({
      authenticate: async (headers) => principalOf(plane, runners, headers.get("authorization")?.replace(/^Bearer /, "")),
      lookUp: async (references, principal) => references.map((reference) => factsOf(runners, reference, principal)),
    });
    const handler = connectNodeAdapter({
      routes: (router) => {
        router.service(RunnerInteractionService, {
          ...plane.interactionService,
          ...(options.isStreamMute ? { watchRequests: muteStream } : {}),
        });
        router.service(IdentityService, { exchangeToken: plane.exchangeToken });
        router.service(SecretService, { getSecretValue: ({ secretId }) => ({ value: `value of ${secretId}` }) });
      },
      interceptors: [translateErrors(messageOf), authorizer.authentication(), validateRequests(), authorizer.authorization()],
    });
    const server = createServer(handler);
    const sessions = new Set<ServerHttp2Session>();
    server.on("session", (session) => sessions.add(session.on("close", () => sessions.delete(session))));
    await new Promise<void>((resolve) => server.listen(options.port, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    return new PlaneProcess(plane, server, sessions, address.port);
  }

  /** As kill -9 does: connections break off in the middle. */
  async kill(): Promise<void> {
    this.#stop.abort();
    for (const session of this.#sessions) session.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.plane.close();
  }
}

async function* muteStream(
  _request: unknown,
  { signal }: HandlerContext,
): AsyncGenerator<MessageInitShape<typeof WatchRequestsResponseSchema>> {
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  yield* [];
}

async function principalOf(plane: RunnerPlane, runners: MemoryRunners, token: string | undefined): Promise<Principal | undefined> {
  if (token === undefined) return undefined;
  const runner = await plane.enrolment.authenticate(token);
  if (runner !== undefined) return runner;
  const environmentId = token.replace(/^environment /, "");
  if (!runners.environmentsById.has(environmentId)) throw new BerthError("credential-invalid", "nobody has this token");
  return { kind: "environment", id: environmentId, organizationId };
}

function factsOf(runners: MemoryRunners, { kind, id }: ResourceReference, principal: Principal): ResourceFacts | undefined {
  if (kind === "runner" && runners.runners.has(id)) return { organizationId, owners: [{ kind: "runner", id }] };
  const environment = kind === "environment" ? runners.environmentsById.get(id) : undefined;
  if (environment !== undefined) return { organizationId, owners: [{ kind: "runner", id: environment.metadata?.runnerId ?? "" }] };
  const holder = kind === "secret" && principal.kind === "environment" ? runners.environmentsById.get(principal.id) : undefined;
  if (holder?.spec?.secrets.some((secret) => secret.id === id) !== true) return undefined;
  return { organizationId, owners: [{ kind: "environment", id: principal.id }] };
}

/** Of runners into whose environments nobody goes. */
export const noSsh: DialSsh = async (environmentId) => {
  throw new BerthError("environment-not-running", environmentId);
};

/** One process on a computer that is a runner. */
export class RunnerProcess {
  readonly runner: Runner;
  readonly specChanges: string[] = [];
  readonly stop = new AbortController();
  /** Why it ended by itself. */
  readonly ended: Promise<unknown>;

  constructor(options: {
    readonly state: RunnerState;
    readonly clock: FakeClock;
    readonly cache?: EnvironmentCache;
    readonly answers?: Partial<RunnerAnswers>;
    readonly random?: () => number;
  }) {
    const { state, clock, cache = memoryCache(), answers = {}, random = () => 0.5 } = options;
    this.runner = createRunner({
      state,
      cache,
      classCache: memoryClassCache(),
      answers: { ...defaultAnswers, ...answers },
      dialSsh: noSsh,
      describe: async () => ({
        environmentClasses: [create(EnvironmentClassSchema, { displayName: "Small", description: "2 processors, 4 GiB" })],
        status: { version: "1", region: "here" },
        configurationSchema: { version: "1" },
      }),
      clock,
      log: silentLog,
      random,
      signal: this.stop.signal,
    });
    this.runner.environmentStore.onSpecChange((id) => this.specChanges.push(id));
    this.ended = this.runner.link.run(this.stop.signal).then(
      () => undefined,
      (error: unknown) => error,
    );
  }

  get isConnected(): boolean {
    return this.runner.link.state.kind === "connected";
  }

  /** As the engine writes what it observed. */
  async observe(environmentId: string, message: string): Promise<void> {
    await this.runner.environmentStore.list();
    await this.runner.environmentStore.writeStatus(environmentId, statusOf(message));
  }
}

/** A runner that is driven call by call. */
export class RawRunner {
  readonly #state: RunnerState;
  readonly #clock: FakeClock;
  readonly #connection: PlaneConnection;
  session: string | undefined;

  constructor(state: RunnerState, clock: FakeClock, port?: number) {
    this.#state = state;
    this.#clock = clock;
    const planeUrl = port === undefined ? state.planeUrl : `http://127.0.0.1:${port}`;
    this.#connection = new PlaneConnection({ planeUrl, accessToken: state.accessToken, clock });
  }

  get client(): Client<typeof RunnerInteractionService> {
    return this.#connection.client(RunnerInteractionService);
  }

  /** Fails as a runner's calls do. */
  async call<T>(call: (client: Client<typeof RunnerInteractionService>) => Promise<T>): Promise<T> {
    return this.#connection.call(async () => call(this.client), new AbortController().signal);
  }

  async signUpWithoutSession(): Promise<void> {
    await this.call(async (client) => client.signup({ publicKey: this.#state.keyPair.publicKey }));
  }

  /** Asks for a session as Berth's runners do. Gives what the plane answered, sealed. */
  async signUp(): Promise<Uint8Array | undefined> {
    let sealed: Uint8Array | undefined;
    const onHeader = (headers: Headers): void => {
      const value = headers.get(runnerSessionHeader);
      sealed = value === null ? undefined : Buffer.from(value, "base64");
    };
    const headers = { [runnerSessionHeader]: newSession };
    await this.call(async (client) => client.signup({ publicKey: this.#state.keyPair.publicKey }, { headers, onHeader }));
    return sealed;
  }

  useSession(session: string): void {
    this.session = session;
    this.#connection.useSession(session);
  }

  /** Signs up and shows that it has the private key. */
  async begin(): Promise<void> {
    const sealed = await this.signUp();
    this.useSession(await openSealed(this.#state.keyPair, sealed ?? new Uint8Array()));
  }

  /** The same process as another server sees it. */
  at(port: number): RawRunner {
    const other = new RawRunner(this.#state, this.#clock, port);
    if (this.session !== undefined) other.useSession(this.session);
    return other;
  }

  close(): void {
    this.#connection.reset("the test is over");
  }
}

export function statusOf(message: string): EnvironmentStatus {
  return create(EnvironmentStatusSchema, { failureMessage: [message] });
}

export const defaultAnswers: RunnerAnswers = {
  parseContextUrl: async ({ contextUrl }) =>
    create(ParseContextURLResponseSchema, { originalContextUrl: contextUrl, git: { host: "github.com" } }),
  checkAuthenticationForHost: async ({ host }) => create(CheckAuthenticationForHostResponseSchema, { authenticated: true, scmName: host }),
  validateConfiguration: async () =>
    create(ValidateRunnerConfigurationResponseSchema, { result: { case: "environmentClass", value: { valid: true } } }),
};

export function memoryCache(): EnvironmentCache & { environments: readonly RunnerEnvironment[] | undefined } {
  return {
    environments: undefined,
    async load() {
      return this.environments;
    },
    async save(environments) {
      this.environments = environments;
    },
  };
}

export function memoryClassCache(): ClassCache {
  let kept: readonly EnvironmentClass[] = [];
  return { load: async () => kept, save: async (classes) => void (kept = classes) };
}

export function memoryState(): RunnerStateStore & { state: RunnerState | undefined } {
  return {
    state: undefined,
    async load() {
      return this.state;
    },
    async save(state) {
      this.state = state;
    },
  };
}

/** Carries hints and calls only while it may. */
class LossyFanOut implements FanOut {
  readonly #inner = new InMemoryFanOut();
  isLossy = false;

  async publish(topic: string, message: Uint8Array): Promise<void> {
    if (!this.isLossy) await this.#inner.publish(topic, message);
  }

  subscribe(topic: string, listener: (message: Uint8Array) => void): () => void {
    return this.#inner.subscribe(topic, listener);
  }
}

/** An installation and computers around it; everything of it ends with the test. */
export class RunnerWorld {
  readonly clock = new FakeClock();
  readonly runners = new MemoryRunners();
  readonly fanOut = new LossyFanOut();
  readonly #planes: PlaneProcess[] = [];
  readonly #processes: RunnerProcess[] = [];
  readonly #raws: RawRunner[] = [];
  #count = 0;

  raw(state: RunnerState): RawRunner {
    const raw = new RawRunner(state, this.clock);
    this.#raws.push(raw);
    return raw;
  }

  async startPlane(port = 0, { isStreamMute = false } = {}): Promise<PlaneProcess> {
    const { runners, fanOut, clock } = this;
    const plane = await PlaneProcess.start({ processId: `process-${++this.#count}`, runners, fanOut, clock, port, isStreamMute });
    this.#planes.push(plane);
    return plane;
  }

  /** What is at a computer after `berth runner setup`. */
  async enrol(plane: PlaneProcess, runnerId: string, port = plane.port): Promise<RunnerState> {
    const exchangeToken = await plane.plane.enrolment.issueExchangeToken(runnerId);
    return this.exchange(exchangeToken, port);
  }

  async exchange(exchangeToken: string, port: number): Promise<RunnerState> {
    const planeUrl = `http://127.0.0.1:${port}`;
    return enrolRunner({ planeUrl, exchangeToken, state: memoryState(), clock: this.clock }, new AbortController().signal);
  }

  run(
    state: RunnerState,
    options: Pick<ConstructorParameters<typeof RunnerProcess>[0], "cache" | "answers" | "random"> = {},
  ): RunnerProcess {
    const process = new RunnerProcess({ state, clock: this.clock, ...options });
    this.#processes.push(process);
    return process;
  }

  /** Tells a runner through a plane what to look at. */
  async hint(plane: PlaneProcess, environmentId: string): Promise<void> {
    const runnerId = this.runners.environment(environmentId).metadata?.runnerId ?? "";
    await plane.plane.hub.hint(runnerId, { case: "eventEnvironmentSpecChange", value: { environmentId } });
  }

  /** The message of the status that the plane has. */
  statusOf(environmentId: string): string | undefined {
    return this.runners.environment(environmentId).status?.failureMessage[0];
  }

  async close(): Promise<void> {
    for (const process of this.#processes) process.stop.abort();
    for (const raw of this.#raws) raw.close();
    for (const plane of this.#planes) await plane.kill();
    for (const process of this.#processes) await process.ended;
  }
}
