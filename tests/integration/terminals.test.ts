import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Terminal } from "../../src/contract/gen/berth/v1/terminal_pb.js";
import { EnvironmentPhase } from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { SimulatedHost } from "../support/simulated-host.ts";
import { TerminalWindow } from "../support/terminal-window.ts";

const mebibyte = 1024 ** 2;

const host = new SimulatedHost();
const windows: TerminalWindow[] = [];
let environmentId: string;

beforeAll(async () => {
  await host.start();
  environmentId = await createRunning("app");
});

afterAll(async () => {
  for (const window of windows) window.detach();
  await host.end();
});

async function createRunning(name: string): Promise<string> {
  const id = await host.create("app", name);
  await host.whenPhase(id, EnvironmentPhase.RUNNING);
  return id;
}

async function open(options: { readonly name?: string; readonly argv?: string[] } = {}): Promise<Terminal> {
  const { terminal } = await host.terminals.createTerminal({ environmentId, columns: 100, rows: 30, ...options });
  if (terminal === undefined) throw new Error("no terminal was made");
  return terminal;
}

function look(terminalId: string, offset = 0): TerminalWindow {
  const window = new TerminalWindow({ terminals: host.terminals, environmentId, terminalId, offset });
  windows.push(window);
  return window;
}

test("what is typed is run and read back, and a window that attaches later sees the same terminal", async () => {
  const { terminalId } = await open({ name: "build" });
  const first = look(terminalId);
  await first.shows("$ ");
  await first.type("echo hello\r");
  await first.shows("hello\r\n");
  await first.type("size\r");
  await first.shows("30 100");
  first.detach();
  const second = look(terminalId);
  await second.shows("30 100");
  expect(second.text.startsWith(first.text)).toBe(true);
  await second.type("echo again\r");
  await second.shows("again\r\n");
  const { terminals } = await host.terminals.listTerminals({ environmentId });
  expect(terminals.find((t) => t.terminalId === terminalId)).toMatchObject({
    name: "build",
    title: "vscode@app: /workspaces/app",
    workingDirectory: "/workspaces/app",
    exited: false,
  });
  second.detach();
});

test("a window that comes back with its offset gets only what it missed", async () => {
  const { terminalId } = await open();
  const window = look(terminalId);
  await window.shows("$ ");
  const other = look(terminalId);
  window.detach();
  await other.type("echo meanwhile\r");
  await other.shows("meanwhile\r\n");
  const back = look(terminalId, window.offset);
  await back.shows("meanwhile\r\n");
  expect(back.text.startsWith("echo meanwhile")).toBe(true);
  expect(back.lostBytes).toBe(0);
});

test("keys that arrive out of order or twice are typed once and in order", async () => {
  const { terminalId } = await open();
  const window = look(terminalId);
  await window.shows("$ ");
  const clientId = randomUUID();
  const key = async (sequence: number, text: string) =>
    host.terminals.writeTerminal({ environmentId, terminalId, clientId, sequence: BigInt(sequence), data: Buffer.from(text) });
  await Promise.all([..."echo abcdefgh\r"].map(async (text, i) => key(i + 1, text)).toReversed());
  await key(3, "h");
  await window.shows("abcdefgh\r\n");
});

test("while one terminal floods, another one answers, and nothing of the flood is lost to who keeps up", async () => {
  const flood = look((await open()).terminalId);
  const other = look((await open()).terminalId);
  await Promise.all([flood.shows("$ "), other.shows("$ ")]);
  await flood.type("cat 12M\r");
  await flood.until(() => flood.receivedBytes > mebibyte);
  for (let i = 0; i < 5; i++) {
    await other.type(`echo turn-${i}\r`);
    await other.shows(`turn-${i}\r\n`);
  }
  expect(flood.receivedBytes).toBeLessThan(12 * mebibyte);
  await flood.until(() => flood.receivedBytes > 12 * mebibyte && flood.text.endsWith("$ "));
  expect(flood.lostBytes).toBe(0);
});

test("a flood can be interrupted, and one that nobody reads goes on and keeps its end", async () => {
  const { terminalId } = await open();
  const window = look(terminalId);
  await window.shows("$ ");
  await window.type("cat 900M\r");
  await window.until(() => window.receivedBytes > mebibyte);
  await window.type("\u0003");
  await window.shows("^C");
  expect(window.receivedBytes).toBeLessThan(500 * mebibyte);
  await window.type("cat 8M\r");
  window.detach();
  const after = look(terminalId, window.offset);
  await after.until(() => after.text.includes("00083880 abc") && after.text.endsWith("$ "));
});

test("an end is told with its exit code, and what was printed stays until it is closed", async () => {
  const { terminalId } = await open();
  const window = look(terminalId);
  await window.shows("$ ");
  await window.type("exit 7\r");
  await window.until(() => window.ended);
  expect(window.last).toMatchObject({ exited: true, exitCode: 7 });
  const late = look(terminalId);
  await late.until(() => late.ended);
  expect(late.text).toContain("exit 7");
  await host.terminals.closeTerminal({ environmentId, terminalId });
  await expect(host.terminals.renameTerminal({ environmentId, terminalId, name: "x" })).rejects.toThrow(/terminal is gone/);
  expect((await host.terminals.listTerminals({ environmentId })).terminals.some((t) => t.terminalId === terminalId)).toBe(false);
});

test("there are limits, and they are said", async () => {
  const id = await createRunning("limits");
  const make = async () => host.terminals.createTerminal({ environmentId: id });
  const made = await Promise.all(Array.from({ length: 16 }, make));
  await expect(make()).rejects.toThrow(/No further terminal/);
  await host.terminals.closeTerminal({ environmentId: id, terminalId: made[0]?.terminal?.terminalId ?? "" });
  await make();
  const terminalId = made[1]?.terminal?.terminalId ?? "";
  await expect(host.terminals.resizeTerminal({ environmentId: id, terminalId, columns: 100_000, rows: 1 })).rejects.toThrow(/1 to 1000/);
  await expect(
    host.terminals.writeTerminal({ environmentId: id, terminalId, clientId: "a", sequence: 1n, data: Buffer.alloc(70_000) }),
  ).rejects.toThrow(/65536/);
  // A terminal is named with its environment: an id alone opens nothing.
  await expect(host.terminals.resizeTerminal({ environmentId, terminalId, columns: 80, rows: 24 })).rejects.toThrow(/gone/);
  await host.environments.deleteEnvironment({ environmentId: id });
});

test("terminals end with their container, and none is opened while it does not run", async () => {
  const id = await createRunning("stops");
  const { terminal } = await host.terminals.createTerminal({ environmentId: id });
  await host.environments.stopEnvironment({ environmentId: id });
  await host.whenPhase(id, EnvironmentPhase.STOPPED);
  await expect(host.terminals.createTerminal({ environmentId: id })).rejects.toThrow(/not running/);
  const { terminals } = await host.terminals.listTerminals({ environmentId: id });
  expect(terminals.find((t) => t.terminalId === terminal?.terminalId)).toMatchObject({ exited: true, exitCode: 137 });
});

test("the use of each environment, the disk bill and what reclaiming gives are told", async () => {
  const first = await host.workspaces.getEnvironmentUsage({ environmentIds: [environmentId] });
  expect(first.environments.map((e) => e.environmentId)).toEqual([environmentId]);
  expect(first.environments[0]?.memoryBytes).toBeGreaterThan(0n);
  const second = await host.workspaces.getEnvironmentUsage({ environmentIds: [environmentId] });
  expect(second.environments[0]?.cpuNanoseconds).toBeGreaterThanOrEqual(first.environments[0]?.cpuNanoseconds ?? 0n);
  const { bill } = await host.host.getMachineDiskBill({});
  expect(bill?.buildCacheBytes).toBeGreaterThan(0n);
  expect((await host.host.reclaimMachineSpace({})).reclaimedBytes).toBe(bill?.buildCacheBytes);
  expect((await host.host.getMachineDiskBill({})).bill?.buildCacheBytes).toBe(0n);
});
