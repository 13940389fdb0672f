import { createClient } from "@connectrpc/connect";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EnvironmentPhase, EnvironmentService } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { HostSessions, hostTransport } from "../../../src/lib/host-transport.ts";
import { waitUntil } from "../../../src/lib/wait-until.ts";
import type { Ended, RunningCommand } from "../cli-home.ts";
import { freePort } from "../../support/free-port.ts";
import { spawnBerth } from "./runner-cli.ts";

const pollMs = 50;
const waitLimitMs = 40_000;
/** What the runner keeps, as its documentation says. */
const limit = 10;

let folder: string;
let home: string;
const running: RunningCommand[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-run-"));
  home = join(folder, "home");
  mkdirSync(home, { mode: 0o700 });
});
afterEach(async () => {
  for (const command of running.splice(0)) {
    command.child.kill("SIGTERM");
    await command.end();
  }
  rmSync(folder, { recursive: true, force: true });
});

function start(...args: readonly string[]): RunningCommand {
  // Beside 16 GiB that are simulated the memory of the test's computer does not matter.
  const env = { HOME: folder, BERTH_HOME: home, BERTH_DRIVER: "simulated", BERTH_SIMULATE: "memory-64g" };
  const command = spawnBerth(args, env);
  command.child.stdin?.end();
  return command;
}

async function berth(...args: readonly string[]): Promise<Ended> {
  return start(...args).end();
}

async function startRunner(): Promise<RunningCommand> {
  const command = start("runner", "run");
  running.push(command);
  await command.says("the host is ready");
  return command;
}

async function metrics(
  where: { readonly socketPath: string } | { readonly port: number; readonly host?: string },
  path = "/metrics",
  headers = {},
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...where, ...("port" in where ? { host: "127.0.0.1" } : {}), path, headers }, (answer) => {
      let text = "";
      answer.on("data", (chunk: Buffer) => (text += chunk.toString())).once("end", () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    asked.once("error", reject).end();
  });
}

const socketPath = (): string => join(home, "run", "metrics.sock");

async function metric(line: RegExp): Promise<boolean> {
  return waitUntil(async () => line.test((await metrics({ socketPath: socketPath() })).text), {
    intervalMs: pollMs,
    signal: AbortSignal.timeout(waitLimitMs),
  });
}

test(
  "keeps at most ten environments: one more is refused with what to do, and has room when another goes",
  { timeout: 180_000 },
  async () => {
    await startRunner();
    const sessions = new HostSessions(join(home, "run", "api.sock"));
    const environments = createClient(EnvironmentService, hostTransport(sessions));
    const create = async (name: string): Promise<string> => {
      const { environment } = await environments.createEnvironment({
        name,
        spec: {
          desiredPhase: EnvironmentPhase.STOPPED,
          content: { initializer: { specs: [{ spec: { case: "contextUrl", value: { url: "https://simulated.test/plain.git" } } }] } },
        },
      });
      return environment?.id ?? "";
    };
    for (let i = 0; i < limit; i++) await create(`env-${i}`);
    const { status, stderr } = await berth("create", "https://simulated.test/plain.git", "--name", "one-more");
    expect(status).not.toBe(0);
    expect(stderr).toContain("The environment does not fit on this runner");
    expect(stderr).toMatch(/keeps 10 environments/);
    expect((await berth("runner", "status")).stdout).toMatch(/environments +10 of at most 10/);
    expect((await berth("delete", "env-0", "--force")).status).toBe(0);
    expect(await create("one-more")).not.toBe("");
    sessions.abort();
  },
);

test("tells its state: plane, machines, environments, version, and what is wrong", async () => {
  expect((await berth("runner", "status")).status).toBe(4);
  await startRunner();
  expect((await berth("create", "https://simulated.test/plain.git", "--name", "web", "--class", "dedicated")).status).toBe(0);
  const { status, stdout } = await berth("runner", "status", "--json");
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    version: expect.stringMatching(/^\d+\.\d+\.\d+/) as unknown,
    link: { state: "none", pending: 0 },
    environmentLimit: limit,
    environments: [{ name: "web", phase: "running", failure: "" }],
    machines: expect.arrayContaining([
      expect.objectContaining({ id: expect.stringMatching(/^env-/) as unknown, state: "ready" }),
    ]) as unknown,
    accelerator: "simulated",
    degraded: [],
    update: { channel: "stable", state: "idle" },
  });
  const text = (await berth("runner", "status")).stdout;
  expect(text).toContain("none: it stands alone");
  expect(text).toMatch(/web +running +env-/);
  // Nobody above it could start a newer one.
  expect((await berth("runner", "update")).stderr).toContain("does not run as a service");
});

test("has its figures on a socket for its user alone, and on loopback when asked, by no other name", async () => {
  const port = await freePort();
  writeFileSync(join(home, "runner.json"), JSON.stringify({ version: 1, metricsPort: port, update: { channel: "stable" } }));
  await startRunner();
  expect((statSync(socketPath()).mode & 0o777).toString(8)).toBe("600");
  expect((await berth("create", "https://simulated.test/plain.git", "--name", "secret-name", "--class", "dedicated")).status).toBe(0);
  expect(await metric(/^berth_environments\{phase="running"\} 1$/m)).toBe(true);
  expect(await metric(/^berth_environment_start_duration_seconds_count\{outcome="running"\} 1$/m)).toBe(true);
  const { text } = await metrics({ port });
  expect(text).toMatch(/^berth_machines\{state="ready"\} [12]$/m);
  expect(text).toMatch(/^berth_machine_memory_bytes\{machine="env-[0-9a-z]+"\} \d+$/m);
  expect(text).toMatch(/^berth_machine_cpu_seconds\{machine="env-[0-9a-z]+"\} [\d.e-]+$/m);
  expect(text).toMatch(/^berth_link_state\{state="none"\} 1$/m);
  expect(text).toMatch(/^berth_environment_limit 10$/m);
  expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
  expect(text).toContain("# TYPE berth_reconcile_errors_total counter");
  expect(text).not.toContain("secret-name");
  // A web page whose name was made to lead here.
  expect((await metrics({ port }, "/metrics", { host: `evil.test:${port}` })).status).toBe(403);
  expect((await metrics({ port }, "/")).status).toBe(404);
});

test("a port for figures that another program has does not keep the runner down: it says so, and takes it once it is free", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const address = other.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  writeFileSync(join(home, "runner.json"), JSON.stringify({ version: 1, metricsPort: port, update: { channel: "stable" } }));
  await startRunner();
  const degraded = async (): Promise<unknown> =>
    (JSON.parse((await berth("runner", "status", "--json")).stdout) as { degraded: unknown }).degraded;
  expect(await degraded()).toEqual([expect.stringMatching(`Figures are on their socket alone: .*127.0.0.1:${port}`)]);
  expect((await berth("runner", "status")).status).toBe(1);
  expect((await metrics({ socketPath: socketPath() })).status).toBe(200);
  other.close();
  const answers = async (): Promise<boolean> =>
    metrics({ port }).then(
      ({ status }) => status === 200,
      () => false,
    );
  expect(await waitUntil(answers, { intervalMs: pollMs, signal: AbortSignal.timeout(waitLimitMs) })).toBe(true);
  expect(await degraded()).toEqual([]);
});

test("counts starts that fail", async () => {
  await startRunner();
  expect((await berth("create", "https://simulated.test/fail-clone.git", "--name", "broken")).status).not.toBe(0);
  expect(await metric(/^berth_environment_start_duration_seconds_count\{outcome="failed"\} 1$/m)).toBe(true);
});

test("ends when it is told, and a second one in the same folder is refused", async () => {
  const first = await startRunner();
  const second = await start("runner", "run").end();
  expect(second.status).toBe(4);
  expect(second.stderr).toContain("Berth is already running");
  first.child.kill("SIGTERM");
  expect((await first.end()).status).toBe(143);
  expect((await berth("runner", "status")).stderr).toContain("There is no runner on this computer");
});
