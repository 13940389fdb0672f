import { fromBinary } from "@bufbuild/protobuf";
import { type Client, Code, createClient } from "@connectrpc/connect";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Diagnosis_Severity, HostService, MachineState, WorkspaceService } from "../../src/contract/gen/berth/v1/host_pb.js";
import {
  type Environment,
  EnvironmentPhase,
  EnvironmentSchema,
  EnvironmentService,
} from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { HostSessions, hostTransport } from "../../src/lib/host-transport.ts";
import { berthPaths } from "../../src/lib/paths.ts";
import { waitUntil } from "../../src/lib/wait-until.ts";

const startLimitMs = 20_000;
const pollMs = 20;
const hostRunningExitCode = 5;

let folder: string;
const started: ChildProcess[] = [];

beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "berth-host-"))));

afterEach(async () => {
  for (const child of started.splice(0)) {
    child.kill("SIGKILL");
    await endOf(child);
  }
  rmSync(folder, { recursive: true, force: true });
});

function environmentOf(home: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    BERTH_HOME: join(folder, home),
    BERTH_SSH_CONFIG: join(folder, `${home}-ssh-config`),
    BERTH_DRIVER: "simulated",
  };
}

/** A host process of this home with what is needed to talk to it. */
function spawnHost(home = "home") {
  const env = environmentOf(home);
  const program = join(import.meta.dirname, "../../src/host/main.ts");
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program], { env, stdio: ["ignore", "ignore", "pipe"] });
  started.push(child);
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const paths = berthPaths(env);
  const transport = hostTransport(new HostSessions(paths.apiSocket));
  const host = createClient(HostService, transport);
  return {
    child,
    paths,
    said: () => said,
    environments: createClient(EnvironmentService, transport),
    workspaces: createClient(WorkspaceService, transport),
    host,
    ready: async () => {
      // The socket's file is there a moment before anyone listens on it.
      const up = await waitUntil(async () => child.exitCode !== null || (await answers(host)), {
        intervalMs: pollMs,
        signal: AbortSignal.timeout(startLimitMs),
      });
      expect(up && child.exitCode === null, said).toBe(true);
    },
  };
}

type RunningHost = ReturnType<typeof spawnHost>;

async function answers(host: Client<typeof HostService>): Promise<boolean> {
  return host.getHost({}).then(
    () => true,
    () => false,
  );
}

async function startHost(home?: string): Promise<RunningHost> {
  const host = spawnHost(home);
  await host.ready();
  return host;
}

async function endOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await new Promise<void>((resolve) => child.once("close", () => resolve()));
  return child.exitCode;
}

async function createRunning(host: RunningHost, name: string, sentinel = "app"): Promise<string> {
  const { environment } = await host.environments.createEnvironment({
    name,
    spec: {
      desiredPhase: EnvironmentPhase.RUNNING,
      content: { initializer: { specs: [{ spec: { case: "contextUrl", value: { url: `https://simulated.test/${sentinel}.git` } } }] } },
    },
  });
  const id = environment?.id ?? "";
  await whenPhase(host, id, EnvironmentPhase.RUNNING);
  return id;
}

/** Waits by watching, as clients do. */
async function whenPhase(host: RunningHost, id: string, phase: EnvironmentPhase): Promise<void> {
  for await (const { event } of host.workspaces.watch({}, { signal: AbortSignal.timeout(startLimitMs) })) {
    const all = event.case === "snapshot" ? event.value.environments : event.case === "environment" ? [event.value] : [];
    if (all.some(({ environment }) => isIn(fromBinary(EnvironmentSchema, environment), id, phase))) return;
  }
}

function isIn(environment: Environment, id: string, phase: EnvironmentPhase): boolean {
  return environment.id === id && environment.status?.phase === phase;
}

test("of two hosts that start at once on one folder, one serves and the other says so", async () => {
  const both = [spawnHost(), spawnHost()];
  const first = await Promise.race(both.map(async (host) => endOf(host.child).then(() => host)));
  expect(first.child.exitCode).toBe(hostRunningExitCode);
  expect(first.said()).toContain("host-running");
  const other = both.find((host) => host !== first);
  await other?.ready();
  expect((await other?.host.getHost({}))?.pid).toBe(other?.child.pid);
});

test("a host that was killed leaves nothing in the way of the next", async () => {
  const killed = await startHost();
  const id = await createRunning(killed, "app");
  killed.child.kill("SIGKILL");
  await endOf(killed.child);
  expect(existsSync(killed.paths.apiSocket)).toBe(true);
  const next = spawnHost();
  await next.ready();
  expect((await next.environments.getEnvironment({ environmentId: id })).environment?.metadata?.name).toBe("app");
});

test("two folders never touch each other", async () => {
  const [one, two] = [await startHost("one"), await startHost("two")];
  await createRunning(one, "app");
  expect((await two.environments.listEnvironments({})).environments).toEqual([]);
  expect(one.paths.run).not.toBe(two.paths.run);
});

test("no other person can reach the socket, and the folders are the owner's alone", async () => {
  const { paths } = await startHost();
  for (const path of [paths.home, paths.run, paths.logs, paths.machines]) expect(statSync(path).mode & 0o777, path).toBe(0o700);
  expect(statSync(paths.apiSocket).mode & 0o777).toBe(0o600);
  expect(statSync(paths.keyFile).mode & 0o777).toBe(0o600);
});

test("what ssh needs is written before it is told, follows a new name and goes with the environment", async () => {
  const host = await startHost();
  const id = await createRunning(host, "app");
  const config = await host.workspaces.getSshConfig({ environmentId: id });
  expect(config).toMatchObject({ hostAlias: "app.berth", user: "berth", warning: "" });
  const read = (): string => readFileSync(host.paths.sshConfig, "utf8");
  expect(read()).toContain("Host app.berth");
  expect(readFileSync(join(folder, "home-ssh-config"), "utf8")).toContain(`Include "${host.paths.sshConfig}"`);
  await host.environments.updateEnvironment({ environmentId: id, metadata: { name: "other" } });
  await host.workspaces.getSshConfig({ environmentId: id });
  expect(read()).toContain("Host other.berth");
  expect(read()).not.toContain("Host app.berth");
  await host.environments.deleteEnvironment({ environmentId: id });
  expect(await waitUntil(() => !read().includes("other.berth"), { intervalMs: pollMs, signal: AbortSignal.timeout(startLimitMs) })).toBe(
    true,
  );
  const keyGone = (): boolean => !existsSync(config.identityFile);
  expect(await waitUntil(keyGone, { intervalMs: pollMs, signal: AbortSignal.timeout(startLimitMs) })).toBe(true);
});

test("the loopback serves the API to who has the token, and to nobody else", async () => {
  const host = await startHost();
  const { baseUrl, token } = await host.host.openLoopback({});
  expect(await host.host.openLoopback({})).toMatchObject({ baseUrl, token });
  const call = async (headers: Record<string, string>): Promise<number> =>
    (
      await fetch(`${baseUrl}/berth.v1.HostService/GetHost`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: "{}",
      })
    ).status;
  expect(await call({ authorization: `Bearer ${token}` })).toBe(200);
  expect(await call({})).toBe(401);
  expect(await call({ authorization: "Bearer x" })).toBe(401);
  expect(await call({ authorization: `Bearer ${token}`, origin: "https://evil.example" })).toBe(403);
});

test("a port that opens in an environment answers on this computer's loopback until it stops", async () => {
  // Whether it is this test's or another program's: the port is taken.
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.once("error", () => resolve()).listen(3000, "127.0.0.1", resolve));
  const host = await startHost();
  const id = await createRunning(host, "app", "web");
  const portOf = async () => (await host.workspaces.getDetails({ environmentId: id })).details?.ports[0];
  expect(
    await waitUntil(async () => (await portOf())?.hostPort !== undefined, {
      intervalMs: pollMs,
      signal: AbortSignal.timeout(startLimitMs),
    }),
  ).toBe(true);
  const port = await portOf();
  expect(port).toMatchObject({ containerPort: 3000, processName: "node", listening: true });
  // Another program that had the port may have let go of it meanwhile.
  expect(port?.hostPort).toBeGreaterThan(squatter.listening ? 3000 : 2999);
  squatter.close();
  await host.environments.stopEnvironment({ environmentId: id });
  await whenPhase(host, id, EnvironmentPhase.STOPPED);
  expect(
    await waitUntil(async () => (await portOf()) === undefined, { intervalMs: pollMs, signal: AbortSignal.timeout(startLimitMs) }),
  ).toBe(true);
});

test("a reset needs every name, and then nothing is left", async () => {
  const host = await startHost();
  await createRunning(host, "one");
  await createRunning(host, "two");
  await expect(host.host.resetMachine({ confirmEnvironmentNames: ["one"] })).rejects.toThrow(/two/);
  expect((await host.environments.listEnvironments({})).environments).toHaveLength(2);
  await host.host.resetMachine({ confirmEnvironmentNames: ["one", "two"] });
  expect((await host.environments.listEnvironments({})).environments).toEqual([]);
  expect((await host.host.getMachine({})).machine).toMatchObject({ state: MachineState.ABSENT, environmentNames: [] });
  await createRunning(host, "one");
});

test("the machine that is stopped by hand stays off, and a host that stops takes it along", async () => {
  const host = await startHost();
  const id = await createRunning(host, "app");
  expect((await host.host.stopMachine({})).machine?.state).toBe(MachineState.OFF);
  await whenPhase(host, id, EnvironmentPhase.STOPPED);
  await host.environments.startEnvironment({ environmentId: id });
  await whenPhase(host, id, EnvironmentPhase.RUNNING);
  await host.host.stopHost({});
  expect(await endOf(host.child)).toBe(0);
  expect(existsSync(host.paths.apiSocket)).toBe(false);
});

test("the log of an environment comes as it grows and can be taken up where it was left", async () => {
  const host = await startHost();
  const id = await createRunning(host, "app");
  const read = async (offset: bigint, follow: boolean): Promise<string> => {
    let text = "";
    for await (const part of host.workspaces.watchLog({ environmentId: id, offset, follow })) text += Buffer.from(part.data).toString();
    return text;
  };
  const whole = await read(0n, false);
  expect(whole.length).toBeGreaterThan(0);
  expect(await read(0n, true)).toBe(whole);
  expect(await read(5n, false)).toBe(whole.slice(5));
  await host.host.stopMachine({});
  await expect(read(0n, false)).rejects.toMatchObject({ code: Code.Unavailable, message: expect.stringContaining("does not run") });
});

test("a diagnosis tells of this computer", async () => {
  const host = await startHost();
  const { diagnoses } = await host.host.diagnose({});
  expect(diagnoses.map((d) => d.id)).toEqual(expect.arrayContaining(["hypervisor", "memory", "disk", "image", "ssh", "machine"]));
  for (const d of diagnoses) if (d.severity !== Diagnosis_Severity.OK) expect(d.fix).not.toBe("");
});

test("a damaged database is refused and left as it is", async () => {
  const { paths } = spawnHost("broken");
  for (const child of started.splice(0)) {
    child.kill("SIGKILL");
    await endOf(child);
  }
  rmSync(paths.home, { recursive: true, force: true });
  mkdirSync(join(paths.home, "store"), { recursive: true });
  writeFileSync(paths.database, "this is no database, but it may be all that is left of one");
  const host = spawnHost("broken");
  expect(await endOf(host.child)).toBe(1);
  expect(host.said()).toContain("store-corrupt");
  expect(readFileSync(paths.database, "utf8")).toContain("this is no database");
});
