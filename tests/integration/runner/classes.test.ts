import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { DescService } from "@bufbuild/protobuf";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EnvironmentPhase, EnvironmentService } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { RunnerConfigurationService, RunnerKind, RunnerProvider } from "../../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerPhase, RunnerService } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import { waitUntil } from "../../../src/lib/wait-until.ts";
import type { RunningCommand } from "../cli-home.ts";
import { createAdmin, PlaneProcess } from "../server/plane-process.ts";
import { spawnBerth } from "./runner-cli.ts";
import { makeCertificate } from "../../support/certificate.ts";

const { RUNNING, STOPPED } = EnvironmentPhase;
const gib = 1024 ** 3;
const pollMs = 100;
const waitLimitMs = 60_000;

let folder: string;
let plane: PlaneProcess;
let planeUrl: string;
let admin: string;
let runnerId: string;
let runner: RunningCommand;

/** A plane as it is served, with TLS, and this computer as a runner of it. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "berth-classes-"));
  // The runner's user goes through it.
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, "root"), { mode: 0o755 });
  makeCertificate(folder);
  const database = { databaseUrl: `sqlite:${join(folder, "plane.sqlite")}`, keyFile: join(folder, "key", "plane.key") };
  ({ token: admin } = await createAdmin(database));
  plane = await PlaneProcess.start(database, "--tls-cert", join(folder, "tls.crt"), "--tls-key", join(folder, "tls.key"));
  planeUrl = `https://127.0.0.1:${plane.port}`;
  const wanted = { name: "A runner", kind: RunnerKind.REMOTE, provider: RunnerProvider.LINUX_HOST };
  const made = await client(RunnerService).createRunner(wanted);
  runnerId = made.runner?.runnerId ?? "";
  const setup = berth(["runner", "setup", "--root", join(folder, "root"), "--plane", planeUrl, "--exchange-token-file", "-"]);
  setup.child.stdin?.end(made.exchangeToken);
  expect((await setup.end()).stderr).toContain("This computer is a runner");
  runner = berth(["runner", "run"]);
  await until(async () => (await client(RunnerService).getRunner({ runnerId })).runner?.status?.phase === RunnerPhase.ACTIVE);
}, 180_000);
afterAll(async () => {
  runner.child.kill("SIGTERM");
  await runner.end();
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
});

function client<Service extends DescService>(service: Service) {
  const transport = createConnectTransport({
    baseUrl: planeUrl,
    httpVersion: "1.1",
    nodeOptions: { ca: readFileSync(join(folder, "tls.crt")) },
    interceptors: [
      (next) => async (request) => {
        request.header.set("authorization", `Bearer ${admin}`);
        return next(request);
      },
    ],
  });
  return createClient(service, transport);
}

function berth(args: readonly string[]): RunningCommand {
  return spawnBerth(args, {
    HOME: folder,
    BERTH_HOME: join(folder, "root/var/lib/berth"),
    BERTH_DRIVER: "simulated",
    BERTH_SIMULATE: "memory-64g",
    BERTH_IMAGES: join(folder, "none"),
    NODE_EXTRA_CA_CERTS: join(folder, "tls.crt"),
  });
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const held = await waitUntil(condition, { intervalMs: pollMs, signal: AbortSignal.timeout(waitLimitMs) });
  if (!held) throw new Error(`it did not come to it:\n${runner.stdout}\n${runner.stderr}`);
}

const fields = (values: Readonly<Record<string, string>>) => Object.entries(values).map(([key, value]) => ({ key, value }));

async function makeClass(displayName: string, values: Readonly<Record<string, string>>): Promise<string> {
  const wanted = { runnerId, displayName, description: displayName, configuration: fields(values) };
  return (await client(RunnerConfigurationService).createEnvironmentClass(wanted)).id;
}

/** The environment once it runs, or its failure. */
async function outcomeOf(classId: string): Promise<{ readonly id: string; readonly failure: string }> {
  const url = "https://simulated.test/plain.git";
  const spec = {
    machine: { class: classId },
    content: { initializer: { specs: [{ spec: { case: "contextUrl" as const, value: { url } } }] } },
  };
  const environments = client(EnvironmentService);
  const environmentId = (await environments.createEnvironment({ spec })).environment?.id ?? "";
  let failure = "";
  await until(async () => {
    const { status } = (await environments.getEnvironment({ environmentId })).environment ?? {};
    failure = status?.failureMessage[0] ?? "";
    return status?.phase === RUNNING || (status?.phase === STOPPED && failure !== "");
  });
  return { id: environmentId, failure };
}

async function machineOf(environmentId: string): Promise<string> {
  const { stdout } = await berth(["runner", "status", "--json"]).end();
  const { environments } = JSON.parse(stdout) as { environments: { id: string; machine: string }[] };
  return environments.find(({ id }) => id === environmentId)?.machine ?? "";
}

async function sizeOf(machineId: string): Promise<unknown> {
  return JSON.parse((await berth(["machine", "status", "--machine", machineId, "--json"]).end()).stdout);
}

test("the plane's administrators see what a class of this runner may say, and have it checked", async () => {
  const configuration = client(RunnerConfigurationService);
  const { schema } = await configuration.getRunnerConfigurationSchema({ runnerId });
  expect(schema?.environmentClasses.map(({ id }) => id)).toEqual(["machine", "cpus", "memory_gib", "disk_gib"]);
  const validate = async (values: Readonly<Record<string, string>>): Promise<unknown> => {
    const config = {
      case: "environmentClass" as const,
      value: { displayName: "A class", description: "A class", configuration: fields(values) },
    };
    const { result } = await configuration.validateRunnerConfiguration({ runnerId, config });
    return result.case === "environmentClass" ? result.value.configurationErrors.map(({ key }) => key) : undefined;
  };
  expect(await validate({ machine: "own", cpus: "1", memory_gib: "3", disk_gib: "20" })).toEqual([]);
  expect(await validate({ machine: "own", cpus: String(cpus().length + 1), memory_gib: "3x", disk_gib: "1" })).toEqual([
    "cpus",
    "memory_gib",
    "disk_gib",
  ]);
  expect(await validate({ machine: "shared", cpus: "1", color: "red" })).toEqual(["cpus", "color"]);
});

test("an environment's machine is as big as its class says, and one that cannot be is not started", { timeout: 180_000 }, async () => {
  const small = await outcomeOf(await makeClass("Small", { machine: "own", cpus: "1", memory_gib: "3", disk_gib: "20" }));
  expect(small.failure).toBe("");
  const machineId = await machineOf(small.id);
  expect(machineId).toMatch(/^env-/);
  expect(await sizeOf(machineId)).toMatchObject({ cpus: 1, memoryBytes: 3 * gib, diskLimitBytes: 20 * gib });

  const together = await outcomeOf(await makeClass("Together", { machine: "shared" }));
  expect(together.failure).toBe("");
  expect(await machineOf(together.id)).toBe("default");

  const huge = await outcomeOf(await makeClass("Huge", { machine: "own", memory_gib: "1000" }));
  expect(huge.failure).toMatch(/^class-unfit: memory_gib: '1000' is no number from 1 to \d+, which this computer has/);
});
