import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Environment, EnvironmentPhase, EnvironmentService } from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { EventService } from "../../src/contract/gen/gitpod/v1/event_pb.js";
import { RunnerConfigurationService } from "../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { CliHome, type Ended, RunningCommand } from "../integration/cli-home.ts";
import { RemoteWorld } from "./remote-world.ts";

const { RUNNING, STOPPED } = EnvironmentPhase;
const pollMs = 500;
/** A machine's first boot under emulation, and the first container in it. */
const upLimitMs = 12 * 60_000;
const name = "far-away";
/** Said in an environment, and never to be seen on the way. */
const word = "a-word-that-nobody-in-between-reads";

const world = new RemoteWorld();
const desktop = new CliHome();
let token: string;
let environmentId: string;

beforeAll(async () => {
  await world.start();
  expect((await desktop.json("context", "add", world.planeUrl, "--name", "work"))[0]).toMatchObject({ name: "work" });
  token = await world.signIn(desktop, "work");
});

afterAll(async () => {
  await desktop.end();
  await world.end();
});

async function environment(): Promise<Environment | undefined> {
  return (await world.client(EnvironmentService, token).getEnvironment({ environmentId })).environment;
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const held = await waitUntil(condition, { intervalMs: pollMs, signal: AbortSignal.timeout(upLimitMs) });
  if (!held) throw new Error(`${what}: not in time\n${world.runnerLog().slice(-8000)}`);
}

/** Of the machine that environments of the runner share: it boots once. */
async function sharedClassId(): Promise<string> {
  let classId = "";
  await until("the runner offers its classes", async () => {
    const { environmentClasses } = await world
      .client(RunnerConfigurationService)
      .listEnvironmentClasses({ filter: { runnerIds: [world.runnerId] } });
    classId = environmentClasses.find(({ displayName }) => displayName === "This computer")?.id ?? "";
    return classId !== "";
  });
  return classId;
}

/** Beside the test, which is where the bytes of the gateway pass. */
async function ssh(command: string, input = ""): Promise<Ended> {
  const args = ["-F", join(desktop.home, "ssh/config"), `${name}.work.berth`, command];
  const running = new RunningCommand(spawn("ssh", args, { env: desktop.env }));
  running.child.stdin?.end(input);
  return running.end();
}

test("a person creates an environment on a runner and starts it; ssh by its name runs a command in it", async () => {
  const classId = await sharedClassId();
  const url = world.publish("web", join(import.meta.dirname, "../../samples/node-web"));
  const initializer = { specs: [{ spec: { case: "contextUrl" as const, value: { url } } }] };
  const spec = { desiredPhase: STOPPED, machine: { class: classId }, content: { initializer } };
  const api = world.client(EnvironmentService, token);
  environmentId = (await api.createEnvironment({ name, spec })).environment?.id ?? "";
  await api.startEnvironment({ environmentId });
  await until("it runs", async () => (await environment())?.status?.phase === RUNNING);
  expect(await desktop.json("list", "--context", "work")).toMatchObject([{ name, phase: "running" }]);

  const first = await ssh(`echo ${word} in "$(pwd)"; exit 7`);
  expect(first).toMatchObject({ status: 7, stdout: expect.stringContaining(`${word} in /workspaces/`) });
  expect((await ssh("sha256sum", word)).stdout).toMatch(/^[0-9a-f]{64} /);
});

test("the gateway saw ciphertext alone", () => {
  expect(world.seenAtGateway.length).toBeGreaterThan(5000);
  expect(world.seenAtGateway.includes("SSH-2.0-")).toBe(true);
  expect(world.seenAtGateway.includes(word)).toBe(false);
});

test("while the plane is away work goes on in what is open, and the desktop says how it is; then it is stopped, and the log knows", async () => {
  const session = spawn("ssh", ["-F", join(desktop.home, "ssh/config"), `${name}.work.berth`, "cat"], { env: desktop.env });
  expect(await answerOf(session, "before\n")).toBe("before\n");
  await world.killPlane();
  const away = await desktop.berth("list", "--context", "work");
  expect(away.stderr).toContain("work is offline");
  expect((await ssh("true")).stderr).toContain("The management plane could not be reached");
  expect(await answerOf(session, "meanwhile\n")).toBe("meanwhile\n");

  await world.startPlaneAgain();
  await until("the desktop is back", async () => !(await desktop.berth("list", "--context", "work")).stderr.includes("offline"));
  await until("ssh gets in again", async () => (await ssh("true")).status === 0);
  expect(await answerOf(session, "after\n")).toBe("after\n");
  await world.client(EnvironmentService, token).stopEnvironment({ environmentId });
  await until("it is stopped", async () => (await environment())?.status?.phase === STOPPED);
  if (session.exitCode === null) await once(session, "close");

  const { entries } = await world.client(EventService).listAuditLogs({ filter: { subjectIds: [environmentId] } });
  const actions = entries.map(({ action }) => action).join("\n");
  for (const method of ["CreateEnvironment", "StartEnvironment", "StopEnvironment"]) expect(actions).toContain(method);
});

async function answerOf(session: ChildProcessWithoutNullStreams, text: string): Promise<string> {
  session.stdin.write(text);
  const [chunk]: unknown[] = await once(session.stdout, "data");
  return String(chunk);
}
