import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Environment, EnvironmentPhase } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { RunnerPhase } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import { systemClock } from "../../../src/lib/clock.ts";
import { waitUntil } from "../../../src/lib/wait-until.ts";
import { InMemoryFanOut } from "../../../src/plane/runners/fan-out.ts";
import type { Ended, RunningCommand } from "../cli-home.ts";
import { MemoryRunners } from "../runners/memory-runners.ts";
import { PlaneProcess } from "../runners/runner-world.ts";
import { spawnBerth } from "./runner-cli.ts";

const { RUNNING, STOPPED, DELETED } = EnvironmentPhase;
const session = "01900000-0000-7000-8000-000000000001";
const pollMs = 50;
const waitLimitMs = 50_000;
const limit = 10;

let folder: string;
let root: string;
let home: string;
let runners: MemoryRunners;
let plane: PlaneProcess;
let runnerId: string;
let planeCount = 0;
let runnerProcess: RunningCommand | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "berth-linked-"));
  // The runner's user goes through it.
  chmodSync(folder, 0o755);
  root = join(folder, "root");
  mkdirSync(root, { mode: 0o755 });
  home = join(root, "var/lib/berth");
  runners = new MemoryRunners();
  plane = await startPlane(0);
  runnerId = runners.addRunner();
});
afterEach(async () => {
  await endRunner();
  await plane.kill();
  rmSync(folder, { recursive: true, force: true });
});

async function startPlane(port: number): Promise<PlaneProcess> {
  const processId = `process-${++planeCount}`;
  return PlaneProcess.start({ processId, runners, fanOut: new InMemoryFanOut(), clock: systemClock, port, isStreamMute: false });
}

function start(args: readonly string[], stdin = ""): RunningCommand {
  return berth(["runner", ...args], stdin);
}

function berth(args: readonly string[], stdin = ""): RunningCommand {
  const env = {
    HOME: folder,
    BERTH_HOME: home,
    BERTH_DRIVER: "simulated",
    BERTH_SIMULATE: "memory-64g",
    BERTH_IMAGES: join(folder, "none"),
  };
  const command = spawnBerth(args, env);
  command.child.stdin?.end(stdin);
  return command;
}

async function setUp(token: string): Promise<Ended> {
  return start(["setup", "--root", root, "--plane", `http://127.0.0.1:${plane.port}`, "--exchange-token-file", "-"], token).end();
}

async function startRunner(): Promise<void> {
  runnerProcess = start(["run"]);
  await runnerProcess.says("the host is ready");
}

async function endRunner(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  const process = runnerProcess;
  runnerProcess = undefined;
  process?.child.kill(signal);
  await process?.end();
}

function add(classId: string, repository = "plain"): string {
  return runners.addEnvironment(runnerId, {
    desiredPhase: RUNNING,
    machine: { session, class: classId },
    content: {
      session,
      initializer: { specs: [{ spec: { case: "contextUrl", value: { url: `https://simulated.test/${repository}.git` } } }] },
    },
    devcontainer: { session },
  });
}

async function wish(id: string, phase: EnvironmentPhase): Promise<void> {
  runners.changeSpec(id, ({ spec }: Environment) => {
    if (spec !== undefined) spec.desiredPhase = phase;
  });
  await hint(id);
}

async function hint(environmentId: string): Promise<void> {
  await plane.plane.hub.hint(runnerId, { case: "eventEnvironmentSpecChange", value: { environmentId } });
}

async function until(condition: () => boolean | Promise<boolean>, what: () => unknown = () => ""): Promise<void> {
  const held = await waitUntil(condition, { intervalMs: pollMs, signal: AbortSignal.timeout(waitLimitMs) });
  if (!held) throw new Error(`it did not come to it: ${JSON.stringify(what())}\n${runnerProcess?.stderr ?? ""}`);
}

async function untilPhase(id: string, phase: EnvironmentPhase): Promise<void> {
  const status = (): unknown => ({
    phase: runners.environmentsById.get(id)?.status?.phase,
    failure: runners.environmentsById.get(id)?.status?.failureMessage,
  });
  await until(() => runners.environmentsById.get(id)?.status?.phase === phase, status);
}

interface Status {
  readonly link: { readonly state: string; readonly pending: number };
  readonly environments: readonly {
    readonly id: string;
    readonly name: string;
    readonly phase: string;
    readonly machine: string;
    readonly orphan: boolean;
  }[];
  readonly degraded: readonly string[];
}

async function status(): Promise<Status> {
  return JSON.parse((await start(["status", "--json"]).end()).stdout) as Status;
}

async function enrol(): Promise<void> {
  const done = await setUp(await plane.plane.enrolment.issueExchangeToken(runnerId));
  expect({ status: done.status, stderr: done.stderr }).toMatchObject({ status: 0 });
}

test("a computer is enrolled with a token once, signs up, and carries out what its plane wants", { timeout: 180_000 }, async () => {
  const token = await plane.plane.enrolment.issueExchangeToken(runnerId);
  expect((await setUp(token)).status).toBe(0);
  const credential = join(home, "keys/runner.json");
  expect((statSync(credential).mode & 0o777).toString(8)).toBe("600");
  expect(readFileSync(credential, "utf8")).not.toContain(token);
  const again = await setUp(token);
  expect(again.status).not.toBe(0);
  expect(again.stderr).not.toContain(token);
  // Who it is was not lost by that.
  await startRunner();
  await until(() => runners.phase(runnerId) === RunnerPhase.ACTIVE);
  expect(runners.offered.map(({ displayName }) => displayName)).toEqual(["Own machine", "This computer"]);
  const [own, shared] = runners.offered.map(({ id }) => id);

  const [first, second] = [add(own ?? ""), add(shared ?? "")];
  await Promise.all([hint(first), hint(second)]);
  await Promise.all([untilPhase(first, RUNNING), untilPhase(second, RUNNING)]);
  const { link, environments } = await status();
  expect(link).toMatchObject({ state: "connected", pending: 0 });
  expect(environments.find(({ id }) => id === first)?.machine).toMatch(/^env-/);
  expect(environments.find(({ id }) => id === second)?.machine).toBe("default");

  await wish(first, STOPPED);
  await untilPhase(first, STOPPED);
  await wish(first, DELETED);
  await until(() => !runners.environmentsById.has(first));
  expect((await status()).environments.map(({ id }) => id)).toEqual([second]);
});

test("an eleventh environment says why it does not start, and starts when there is room", { timeout: 180_000 }, async () => {
  await enrol();
  await startRunner();
  await until(() => runners.phase(runnerId) === RunnerPhase.ACTIVE);
  const shared = runners.offered.find(({ displayName }) => displayName === "This computer")?.id ?? "";
  const ids: string[] = [];
  for (let i = 0; i < limit; i++) ids.push(add(shared));
  await Promise.all(ids.map(hint));
  await Promise.all(ids.map(async (id) => untilPhase(id, RUNNING)));
  const eleventh = add(shared);
  await hint(eleventh);
  await until(() => runners.environment(eleventh).status?.failureMessage[0]?.startsWith("runner-full: it keeps 10 environments") === true);
  expect((await status()).degraded).toEqual(["1 environment waits for room"]);
  await wish(ids[0] ?? "", DELETED);
  await until(() => !runners.environmentsById.has(ids[0] ?? ""));
  await untilPhase(eleventh, RUNNING);
  expect(runners.environment(eleventh).status?.failureMessage).toEqual([]);
});

test(
  "while the plane is away environments go on, a new process begins with what was known, and nothing is lost",
  { timeout: 180_000 },
  async () => {
    await enrol();
    await startRunner();
    await until(() => runners.phase(runnerId) === RunnerPhase.ACTIVE);
    const own = runners.offered[0]?.id ?? "";
    const id = add(own);
    await hint(id);
    await untilPhase(id, RUNNING);

    const { port } = plane;
    await plane.kill();
    await until(async () => (await status()).link.state === "offline");
    const away = await status();
    expect(away.environments).toMatchObject([{ id, phase: "running" }]);
    expect(away.degraded[0]).toMatch(/^The plane is not reached/);
    expect((await start(["status"]).end()).status).toBe(1);

    await endRunner("SIGKILL");
    await startRunner();
    await until(async () => (await status()).environments[0]?.phase === "running");

    // Somebody wanted it stopped meanwhile.
    runners.changeSpec(id, ({ spec }) => {
      if (spec !== undefined) spec.desiredPhase = STOPPED;
    });
    plane = await startPlane(port);
    await until(async () => (await status()).link.state === "connected");
    await untilPhase(id, STOPPED);
    await until(async () => (await status()).link.pending === 0);
  },
);

test("a runner that another computer replaced keeps its environments and does not fight for its place", { timeout: 120_000 }, async () => {
  await enrol();
  await startRunner();
  await until(() => runners.phase(runnerId) === RunnerPhase.ACTIVE);
  const id = add(runners.offered[0]?.id ?? "");
  await hint(id);
  await untilPhase(id, RUNNING);
  await plane.plane.enrolment.revoke(runnerId);
  plane.plane.hub.close();
  await until(async () => (await status()).link.state === "ended");
  const now = await status();
  expect(now.environments).toMatchObject([{ id, phase: "running" }]);
  expect(now.degraded[0]).toMatch(/does not have this runner any more/);
});

test("what the plane forgot is told, kept, and deleted on the runner alone, after a look for work", { timeout: 240_000 }, async () => {
  await enrol();
  await startRunner();
  await until(() => runners.phase(runnerId) === RunnerPhase.ACTIVE);
  const own = runners.offered[0]?.id ?? "";
  const [lost, kept] = [add(own, "dirty"), add(own)];
  await Promise.all([hint(lost), hint(kept)]);
  await Promise.all([untilPhase(lost, RUNNING), untilPhase(kept, RUNNING)]);
  runners.environmentsById.delete(lost);
  await hint(lost);
  await until(async () => (await status()).environments.find(({ id }) => id === lost)?.phase === "stopped");
  const { environments, degraded } = await status();
  const nameOf = (wanted: string): string => environments.find(({ id }) => id === wanted)?.name ?? "";
  expect(environments.filter(({ orphan }) => orphan).map(({ id }) => id)).toEqual([lost]);
  expect(degraded).toEqual([expect.stringMatching(`does not know environments any more.*: ${nameOf(lost)}$`)]);

  const refusals = [
    [nameOf(lost), /3 files are changed, 2 commits are not pushed/],
    [nameOf(kept), /deleted where it was made/],
    ["another", /'another'/],
  ] as const;
  for (const [name, why] of refusals) {
    const refused = await start(["delete", name]).end();
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toMatch(why);
  }
  // A new process has seen nothing of what is off, and does not take that for nothing to lose.
  const machineId = environments.find(({ id }) => id === lost)?.machine ?? "";
  expect((await berth(["machine", "stop", "--machine", machineId]).end()).status).toBe(0);
  await endRunner();
  await startRunner();
  await until(async () => (await status()).environments.some(({ orphan }) => orphan));
  expect((await start(["delete", nameOf(lost)]).end()).stderr).toContain(`berth machine start --machine ${machineId}`);
  const removal = await start(["uninstall", "--root", root, "--delete-data"]).end();
  expect(removal.stderr).toContain(`${nameOf(lost)} has changes that cannot be known`);

  const { status: code, stderr } = await start(["delete", nameOf(lost), "--force"]).end();
  expect({ code, stderr }).toMatchObject({ code: 0 });
  await until(async () => (await status()).degraded.length === 0);
  expect((await status()).environments.map(({ id }) => id)).toEqual([kept]);
});
