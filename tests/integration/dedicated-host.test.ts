import { create } from "@bufbuild/protobuf";
import { existsSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hasOwnMachine } from "../../src/contract/environment-class.ts";
import {
  type DialSshRequest,
  DialSshRequestSchema,
  MachineState,
  type WorkspaceExecRequest,
  WorkspaceExecRequestSchema,
} from "../../src/contract/gen/berth/v1/host_pb.js";
import { EnvironmentPhase } from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { dedicatedMachineId } from "../../src/engine/machines.ts";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { SimulatedHost } from "../support/simulated-host.ts";

const { RUNNING, STOPPED } = EnvironmentPhase;
const { ABSENT, READY, SUSPENDED } = MachineState;
const pollMs = 20;
const waitLimitMs = 30_000;
let host: SimulatedHost;

beforeEach(async () => start("memory-32g"));
afterEach(async () => host.end());

async function start(simulate: string): Promise<void> {
  host = new SimulatedHost({ BERTH_SIMULATE: simulate });
  await host.start();
}

async function createDedicated(sentinel: string, name = sentinel): Promise<string> {
  const { environmentClasses } = await host.environments.listEnvironmentClasses({});
  return host.create(sentinel, name, environmentClasses.find(hasOwnMachine)?.id ?? "");
}

async function running(name: string): Promise<string> {
  const id = await createDedicated("web", name);
  await host.whenPhase(id, RUNNING);
  return id;
}

async function stateOf(machineId: string): Promise<MachineState | undefined> {
  return (await host.host.listMachines({})).machines.find(({ id }) => id === machineId)?.state;
}

async function whenState(machineId: string, state: MachineState): Promise<void> {
  const seen = await waitUntil(async () => (await stateOf(machineId)) === state, {
    intervalMs: pollMs,
    signal: AbortSignal.timeout(waitLimitMs),
  });
  expect(seen || (await stateOf(machineId))).toBe(true);
}

async function exec(place: { readonly environmentId?: string; readonly machineId?: string }): Promise<string> {
  async function* requests(): AsyncGenerator<WorkspaceExecRequest> {
    yield create(WorkspaceExecRequestSchema, { message: { case: "start", value: { argv: ["echo", "here"], ...place } } });
    yield create(WorkspaceExecRequestSchema, { message: { case: "stdinEnd", value: true } });
  }
  let said = "";
  for await (const { message } of host.workspaces.exec(requests()))
    if (message.case === "stdout") said += Buffer.from(message.value).toString();
  return said;
}

async function sshEcho(environmentId: string): Promise<string> {
  async function* requests(): AsyncGenerator<DialSshRequest> {
    yield create(DialSshRequestSchema, { message: { case: "environmentId", value: environmentId } });
    yield create(DialSshRequestSchema, { message: { case: "data", value: Buffer.from("SSH-2.0") } });
    yield create(DialSshRequestSchema, { message: { case: "end", value: true } });
  }
  let said = "";
  for await (const { message } of host.workspaces.dialSsh(requests()))
    if (message.case === "data") said += Buffer.from(message.value).toString();
  return said;
}

async function portAnswers(environmentId: string): Promise<boolean> {
  const { details } = await host.workspaces.getDetails({ environmentId });
  const port = details?.ports.find((p) => p.hostPort !== 0)?.hostPort;
  if (port === undefined) return false;
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("hello"));
    socket.once("data", (chunk) => {
      socket.destroy();
      resolve(chunk.toString() === "hello");
    });
    socket.once("error", () => resolve(false));
  });
}

test("what is done with an environment goes to its own machine, and the shared one is never there", async () => {
  const id = await running("web");
  const machineId = dedicatedMachineId(id);
  expect((await host.workspaces.getDetails({ environmentId: id })).details?.machineId).toBe(machineId);
  expect(await exec({ environmentId: id })).toBe("echo here\n");
  expect(await exec({ machineId })).toBe("echo here\n");
  expect(await sshEcho(id)).toBe("SSH-2.0");
  expect(await waitUntil(async () => portAnswers(id), { intervalMs: pollMs, signal: AbortSignal.timeout(waitLimitMs) })).toBe(true);
  const { terminal } = await host.terminals.createTerminal({ environmentId: id, columns: 80, rows: 24 });
  expect((await host.terminals.listTerminals({ environmentId: id })).terminals.map((t) => t.terminalId)).toEqual([terminal?.terminalId]);
  const usage = await host.workspaces.getEnvironmentUsage({ environmentIds: [id] });
  expect(usage.environments.map((e) => e.environmentId)).toEqual([id]);
  expect(usage.machineMemoryTotalBytes).toBeGreaterThan(0n);
  const { machines } = await host.host.listMachines({});
  expect(machines).toMatchObject([
    { id: "default", state: ABSENT, environmentNames: [], environmentId: "" },
    { id: machineId, state: READY, environmentNames: ["web"], environmentId: id, memoryBytes: 2n * 1024n ** 3n },
  ]);
  await expect(exec({})).rejects.toThrow("The machine does not answer");
  await expect(exec({ machineId: "env-nobody" })).rejects.toThrow("The machine was not found");
});

test("a stop puts its machine to sleep, a look at its changes wakes it, and it rests again", async () => {
  const id = await running("web");
  const machineId = dedicatedMachineId(id);
  await host.environments.stopEnvironment({ environmentId: id });
  await whenState(machineId, SUSPENDED);
  const { environments } = await host.workspaces.refreshGitState({ environmentIds: [id] });
  expect(environments.map((e) => e.environmentId)).toEqual([id]);
  await whenState(machineId, SUSPENDED);
  await host.environments.startEnvironment({ environmentId: id });
  await host.whenPhase(id, RUNNING);
  await host.environments.deleteEnvironment({ environmentId: id });
  // The machine goes first, and the environment's record after it.
  const listed = async (): Promise<string[]> => (await host.host.listMachines({})).machines.map((m) => m.id);
  await waitUntil(async () => !(await listed()).includes(machineId), { intervalMs: pollMs, signal: AbortSignal.timeout(waitLimitMs) });
  expect(await listed()).toEqual(["default"]);
  expect(readdirSync(join(host.folder, "home", "machines"))).not.toContain(machineId);
});

test("stopping one machine leaves the others; a start by hand of a stopped one's machine stays for a while", async () => {
  const shared = await host.create("api");
  await host.whenPhase(shared, RUNNING);
  const id = await running("web");
  const machineId = dedicatedMachineId(id);
  await host.host.stopMachine({ machineId });
  await host.whenPhase(id, STOPPED);
  expect((await host.environments.getEnvironment({ environmentId: shared })).environment?.status?.phase).toBe(RUNNING);
  expect(await stateOf("default")).toBe(READY);
  await host.host.startMachine({ machineId });
  await whenState(machineId, READY);
  // Longer than it would rest after by itself.
  const rested = await waitUntil(async () => (await stateOf(machineId)) !== READY, {
    intervalMs: 200,
    signal: AbortSignal.timeout(4000),
  });
  expect(rested).toBe(false);
});

test("a machine for which this computer has no memory left is refused, and who takes it is named", async () => {
  await host.end();
  await start("memory-6g");
  // The shared one takes 3 GiB, one of its own 2, and 1 is kept.
  const shared = await host.create("api");
  await host.whenPhase(shared, RUNNING);
  const first = await running("first");
  const second = await createDedicated("web", "second");
  await host.whenPhase(second, STOPPED);
  const { environment } = await host.environments.getEnvironment({ environmentId: second });
  expect(environment?.status?.failureMessage[0]).toMatch(
    /^computer-memory-short: second needs 2.0 GiB.*the shared machine \(3.0 GiB\), first/,
  );
  await host.environments.stopEnvironment({ environmentId: first });
  await whenState(dedicatedMachineId(first), SUSPENDED);
  await host.environments.startEnvironment({ environmentId: second });
  await host.whenPhase(second, RUNNING);
});

test("sizes of own machines are set within what this computer has, and count from the next start on", async () => {
  await expect(host.settings.updateSettings({ dedicatedMemoryBytes: 64n * 1024n ** 3n })).rejects.toMatchObject({
    message: expect.stringContaining("dedicatedMemoryBytes") as unknown,
  });
  await host.settings.updateSettings({ dedicatedCpus: 1, dedicatedMemoryBytes: 3n * 1024n ** 3n });
  const id = await running("web");
  const { machine } = await host.host.getMachine({ machineId: dedicatedMachineId(id) });
  expect(machine).toMatchObject({ cpus: 1, memoryBytes: 3n * 1024n ** 3n });
  const { environmentClasses } = await host.environments.listEnvironmentClasses({});
  expect(environmentClasses.find(hasOwnMachine)?.configuration).toContainEqual(
    expect.objectContaining({ key: "memory_bytes", value: String(3 * 1024 ** 3) }),
  );
});

test("a host that is killed and started again knows whose machine is whose", async () => {
  const id = await running("web");
  await host.kill();
  await host.start();
  await host.whenPhase(id, RUNNING);
  await whenState(dedicatedMachineId(id), READY);
  expect(existsSync(join(host.folder, "home", "machines", "default"))).toBe(false);
});

test("a machine of an environment's own grows to what its configuration asks for, as far as the computer goes", async () => {
  const memoryOf = async (id: string): Promise<bigint | undefined> =>
    (await host.host.listMachines({})).machines.find((machine) => machine.id === dedicatedMachineId(id))?.memoryBytes;
  const gib = 1024n ** 3n;
  const big = await createDedicated("needs-4-gib");
  await host.whenPhase(big, RUNNING);
  expect(await memoryOf(big)).toBe(4n * gib);
  const tooBig = await createDedicated("needs-4-tib");
  await host.whenPhase(tooBig, RUNNING);
  expect(await memoryOf(tooBig)).toBe(2n * gib);
  // It stays so, and nobody else's does.
  await host.environments.stopEnvironment({ environmentId: big });
  await whenState(dedicatedMachineId(big), SUSPENDED);
  await host.environments.startEnvironment({ environmentId: big });
  await host.whenPhase(big, RUNNING);
  expect(await memoryOf(big)).toBe(4n * gib);
  const other = await running("other");
  expect(await memoryOf(other)).toBe(2n * gib);
});
