import { create, type DescService } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createRunner, type Runner } from "../../../src/bridge/runner/create-runner.ts";
import { enrolRunner } from "../../../src/bridge/runner/enrol.ts";
import type { RunnerState } from "../../../src/bridge/runner/runner-state.ts";
import { EnvironmentPhase, EnvironmentService } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import {
  EnvironmentClassSchema,
  RunnerConfigurationService,
  RunnerKind,
  RunnerProvider,
} from "../../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerPhase, RunnerService } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import { SecretService } from "../../../src/contract/gen/gitpod/v1/secret_pb.js";
import { ServiceAccountService } from "../../../src/contract/gen/gitpod/v1/service_account_pb.js";
import { UserService } from "../../../src/contract/gen/gitpod/v1/user_pb.js";
import { systemClock } from "../../../src/lib/clock.ts";
import { silentLog } from "../../../src/lib/log.ts";
import { SimulatedComputer } from "../../../src/vm/simulated/simulated-driver.ts";
import { createAdmin, type DatabaseFlags, PlaneProcess } from "../server/plane-process.ts";
import { runnerCredentialKind, sealedHostTokenKind } from "../../../src/plane/runner-store/kinds.ts";
import { hostTokenKind, secretKind } from "../../../src/plane/store/kinds.ts";
import { newMember } from "../server/people.ts";
import { type Databases, postgresDatabases, sqliteDatabases } from "../store/databases.ts";
import { RunnerEngine } from "./runner-engine.ts";
import { defaultAnswers, memoryCache, memoryClassCache, memoryState, noSsh } from "./runner-world.ts";
import { makeCertificate } from "../../support/certificate.ts";

const { RUNNING, STOPPED } = EnvironmentPhase;
const limitMs = 40_000;

let folder: string;
let ca: Buffer;
let computer: SimulatedComputer;
const stop: (() => Promise<unknown> | void)[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-server-runner-"));
  makeCertificate(folder);
  ca = readFileSync(join(folder, "tls.crt"));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => void (computer = new SimulatedComputer()));
afterEach(async () => {
  for (const end of stop.splice(0).toReversed()) await end();
  for (const id of computer.machines.keys()) computer.end(id, "killed", "");
});

/** `berth-plane serve` with TLS, which may be killed and started again at the same address. */
class Plane {
  readonly #database: DatabaseFlags;
  #process: PlaneProcess;

  private constructor(database: DatabaseFlags, process: PlaneProcess) {
    this.#database = database;
    this.#process = process;
  }

  static async start(database: DatabaseFlags): Promise<Plane> {
    const plane = new Plane(database, await PlaneProcess.start(database, ...tlsFlags()));
    stop.push(async () => plane.#process.stop());
    return plane;
  }

  get databaseUrl(): string {
    return this.#database.databaseUrl;
  }

  get url(): string {
    return `https://127.0.0.1:${this.#process.port}`;
  }

  async kill(): Promise<void> {
    this.#process.signal("SIGKILL");
    await this.#process.ended();
  }

  async startAgain(): Promise<void> {
    const { port } = this.#process;
    this.#process = await PlaneProcess.start(this.#database, ...tlsFlags(), "--listen", `127.0.0.1:${port}`);
  }

  /** Ends in order, as SIGTERM asks it to. */
  async drain(): Promise<number | null> {
    return this.#process.stop();
  }

  client<Service extends DescService>(service: Service, token: string): Client<Service> {
    const transport = createConnectTransport({
      baseUrl: this.url,
      httpVersion: "1.1",
      nodeOptions: { ca },
      interceptors: [
        (next) => async (request) => {
          request.header.set("authorization", `Bearer ${token}`);
          return next(request);
        },
      ],
    });
    return createClient(service, transport);
  }
}

function tlsFlags(): string[] {
  return ["--tls-cert", join(folder, "tls.crt"), "--tls-key", join(folder, "tls.key"), "--drain-limit-seconds", "5"];
}

function run(state: RunnerState): Runner {
  const end = new AbortController();
  const runner = createRunner({
    state,
    cache: memoryCache(),
    classCache: memoryClassCache(),
    answers: defaultAnswers,
    dialSsh: noSsh,
    describe: async () => ({
      environmentClasses: [create(EnvironmentClassSchema, { displayName: "Small", description: "2 processors, 4 GiB" })],
      status: { version: "1", region: "here" },
      configurationSchema: { version: "1" },
    }),
    clock: systemClock,
    log: silentLog,
    random: Math.random,
    signal: end.signal,
    http2: { ca },
  });
  const ended = runner.link.run(end.signal).catch(() => undefined);
  stop.push(async () => {
    end.abort();
    await ended;
  });
  return runner;
}

async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const endMs = performance.now() + limitMs;
  let seen: unknown;
  while (performance.now() < endMs) {
    const found = await look().catch((error: unknown) => void (seen = error));
    if (found !== undefined && found !== false) return found;
    await delay(50);
  }
  throw new Error(`${what}: not within ${limitMs} ms`, { cause: seen });
}

async function codeOf(call: Promise<unknown>): Promise<Code | undefined> {
  return call.then(
    () => undefined,
    (error: unknown) => ConnectError.from(error).code,
  );
}

describe.each([sqliteDatabases(), postgresDatabases()])("runners of a server on $name", (databases: Databases) => {
  beforeAll(async () => databases.start());
  afterAll(async () => databases.stop());

  /** A plane with a runner that has signed up, its administrator, and a member who may not keep runners. */
  async function world() {
    const database = { databaseUrl: await databases.make(), keyFile: join(folder, `${databases.name}-${performance.now()}`, "plane.key") };
    const { token: admin, organizationId } = await createAdmin(database);
    const store = await databases.open(database.databaseUrl);
    const { token: user, userId } = await newMember(store, organizationId, "Bob");
    await store.close();
    const plane = await Plane.start(database);
    const wanted = { name: "A runner", kind: RunnerKind.REMOTE, provider: RunnerProvider.LINUX_HOST };
    const { runner: made, exchangeToken } = await plane.client(RunnerService, admin).createRunner(wanted);
    const runnerId = made?.runnerId ?? "";
    const enrolment = { planeUrl: plane.url, exchangeToken, state: memoryState(), clock: systemClock, http2: { ca } };
    const state = await enrolRunner(enrolment, new AbortController().signal);
    const runner = run(state);
    const phase = async () => (await plane.client(RunnerService, user).getRunner({ runnerId })).runner?.status?.phase;
    await until("the runner is active", async () => (await phase()) === RunnerPhase.ACTIVE);
    return { plane, admin, user, userId, organizationId, runnerId, runner, state };
  }

  test("an environment is created, runs, is stopped while the plane is away, and is deleted on its runner", async () => {
    const { plane, user, runner } = await world();
    const engine = new RunnerEngine(runner.environmentStore, join(folder, databases.name), computer);
    stop.push(() => engine.stop());
    await engine.start();
    const api = plane.client(EnvironmentService, user);
    const url = "https://simulated.test/web.git";
    const spec = { content: { initializer: { specs: [{ spec: { case: "contextUrl" as const, value: { url } } }] } } };
    const environmentId = (await api.createEnvironment({ spec })).environment?.id ?? "";
    const phaseOf = async () => (await api.getEnvironment({ environmentId })).environment?.status?.phase;
    await until("it runs", async () => (await phaseOf()) === RUNNING);

    await api.stopEnvironment({ environmentId });
    await plane.kill();
    await until("the runner knows that the plane is away", async () => runner.link.state.kind === "offline");
    await plane.startAgain();
    await until("it is stopped", async () => (await phaseOf()) === STOPPED);
    const { environment } = await api.getEnvironment({ environmentId });
    expect(environment?.status?.runnerAck?.specVersion).toBe(environment?.spec?.specVersion);

    // What is wanted while the runner is not connected is carried out when it is back.
    await api.startEnvironment({ environmentId });
    await until("it runs again", async () => (await phaseOf()) === RUNNING);
    await api.deleteEnvironment({ environmentId });
    await until("it is gone", async () => (await codeOf(api.getEnvironment({ environmentId }))) === Code.NotFound);
    expect(engine.machines.shared.keeper.environment(environmentId)).toBeUndefined();
  });

  test("the plane asks a runner, seals what is for it alone, and lets an environment read its own secrets", async () => {
    const { plane, admin, user, userId, organizationId, runnerId, runner } = await world();
    const runners = plane.client(RunnerService, user);
    expect((await runners.parseContextURL({ runnerId, contextUrl: "https://github.com/o/r" })).git?.host).toBe("github.com");
    expect((await runners.checkAuthenticationForHost({ runnerId, host: "gitlab.com" })).scmName).toBe("gitlab.com");
    const configuration = plane.client(RunnerConfigurationService, user);
    await configuration.createHostAuthenticationToken({ runnerId, host: "GitHub.com", token: "the value", source: 2 });
    const credential = await runner.environmentStore.openHostCredential(userId, "github.com");
    expect(credential?.password).toBe("the value");

    const secrets = plane.client(SecretService, admin);
    const scope = { scope: { case: "organizationId" as const, value: organizationId } };
    const mount = { case: "environmentVariable" as const, value: true };
    await secrets.createSecret({ name: "TOKEN", value: "hidden", mount, scope });
    const url = "https://github.com/o/r";
    const spec = { content: { initializer: { specs: [{ spec: { case: "contextUrl" as const, value: { url } } }] } } };
    const { environment } = await plane.client(EnvironmentService, user).createEnvironment({ spec });
    const id = environment?.id ?? "";
    await until("the runner has heard of it", async () => runner.environmentStore.get(id));
    const opened = await runner.environmentStore.openSecrets(id);
    expect(opened).toEqual([{ name: "TOKEN", value: "hidden", mount: { kind: "environmentVariable", name: "TOKEN" } }]);
  });

  test("of who is removed, nothing goes on being used on runners", async () => {
    const { plane, admin, user, userId, runnerId, runner } = await world();
    const accounts = plane.client(ServiceAccountService, admin);
    const { serviceAccount } = await accounts.createServiceAccount({ name: "ci", validUntil: timestampFromMs(Date.now() + 60 * 60_000) });
    const serviceAccountId = serviceAccount!.id;
    const { token: program } = await accounts.createServiceAccountAccessToken({ serviceAccountId });
    for (const token of [user, program]) {
      const configuration = plane.client(RunnerConfigurationService, token);
      await configuration.createHostAuthenticationToken({ runnerId, host: "github.com", token: "the value", source: 2 });
      const mount = { case: "environmentVariable" as const, value: true };
      await plane.client(SecretService, token).createSecret({ name: "TOKEN", value: "hidden", mount });
    }
    const password = async (id: string) => (await runner.environmentStore.openHostCredential(id, "github.com"))?.password;
    const principals = [userId, serviceAccountId];
    for (const id of principals) expect(await password(id)).toBe("the value");
    await plane.client(UserService, admin).deleteUser({ userId });
    await accounts.deleteServiceAccount({ serviceAccountId });
    for (const id of principals) await until("the runner has heard of it", async () => (await password(id)) === undefined);
    const store = await databases.open(plane.databaseUrl);
    const system = store.system("runners");
    const counts = [system.count(secretKind), system.count(hostTokenKind), system.count(sealedHostTokenKind)];
    expect(await Promise.all(counts)).toEqual([0, 0, 0]);
    await store.close();
  });

  test("who may not keep runners makes none, and a runner may call what is for runners alone", async () => {
    const { plane, user, runnerId, state } = await world();
    const wanted = { name: "Another", kind: RunnerKind.REMOTE, provider: RunnerProvider.LINUX_HOST };
    expect(await codeOf(plane.client(RunnerService, user).createRunner(wanted))).toBe(Code.PermissionDenied);
    expect(await codeOf(plane.client(RunnerService, user).createRunnerToken({ runnerId }))).toBe(Code.PermissionDenied);
    expect(await codeOf(plane.client(EnvironmentService, state.accessToken ?? "").listEnvironments({}))).toBe(Code.PermissionDenied);
    expect(await codeOf(plane.client(SecretService, state.accessToken ?? "").listSecrets({}))).toBe(Code.PermissionDenied);
  });

  test("a runner with environments is deleted by force alone, and ends", async () => {
    const { plane, admin, user, runnerId, runner } = await world();
    const url = "https://github.com/o/r";
    const spec = { content: { initializer: { specs: [{ spec: { case: "contextUrl" as const, value: { url } } }] } } };
    await plane.client(EnvironmentService, user).createEnvironment({ spec });
    const runners = plane.client(RunnerService, admin);
    expect(await codeOf(runners.deleteRunner({ runnerId }))).toBe(Code.FailedPrecondition);
    await runners.deleteRunner({ runnerId, force: true });
    expect(await codeOf(runners.getRunner({ runnerId }))).toBe(Code.NotFound);
    expect((await plane.client(EnvironmentService, user).listEnvironments({})).environments).toEqual([]);
    await until("the runner has ended", async () => runner.link.state.kind === "ended");
  });

  test("a runner that was deleted while it was away ends when it comes back", async () => {
    const { plane, runner } = await world();
    await until("the runner watches", async () => runner.link.state.kind === "connected");
    await plane.kill();
    await until("the runner is offline", async () => runner.link.state.kind === "offline");
    // What a deletion does to its credentials, with nobody there to be told.
    const store = await databases.open(plane.databaseUrl);
    await store.system("installation").transaction(async (tx) => {
      for (const stored of await tx.all(runnerCredentialKind)) tx.delete(runnerCredentialKind, stored);
    });
    await store.close();
    await plane.startAgain();
    await until("the runner has ended", async () => runner.link.state.kind === "ended");
  });

  test("a server that drains lets its runners go, and they come back to the next one", async () => {
    const { plane, runner } = await world();
    await until("the runner watches", async () => runner.link.state.kind === "connected");
    expect(await plane.drain()).toBe(0);
    await until("the runner is offline", async () => runner.link.state.kind === "offline");
    await plane.startAgain();
    await until("the runner is back", async () => runner.link.state.kind === "connected");
  });
});
