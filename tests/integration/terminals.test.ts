import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Terminal } from "../../src/contract/gen/berth/v1/terminal_pb.js";
import { EnvironmentPhase } from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { HostProcess } from "./host-process.ts";

const readLimitMs = 20_000;
const mebibyte = 1024 ** 2;
/** Of the text a window has seen, so that looking at it costs little while output floods. */
const keptLength = 16 * 1024;
const windowBytes = 256 * 1024;

const host = new HostProcess();
const windows: Window[] = [];
let environmentId: string;

beforeAll(async () => {
  await host.ready();
  environmentId = await host.createRunning("app");
});

afterAll(async () => {
  for (const window of windows) window.detach();
  await host.end();
});

async function open(options: { readonly name?: string; readonly argv?: string[] } = {}): Promise<Terminal> {
  const { terminal } = await host.terminals.createTerminal({ environmentId, columns: 100, rows: 30, ...options });
  if (terminal === undefined) throw new Error("no terminal was made");
  return terminal;
}

/** A window on a terminal: reads and acknowledges, types in order. */
class Window {
  readonly clientId = randomUUID();
  readonly abort = new AbortController();
  readonly terminalId: string;
  text = "";
  receivedBytes = 0;
  offset = 0;
  lostBytes = 0;
  last: Terminal | undefined;
  ended = false;
  #sequence = 0n;
  #wake: () => void = () => undefined;

  constructor(terminalId: string, offset = 0) {
    this.terminalId = terminalId;
    this.offset = offset;
    windows.push(this);
    void this.#read();
  }

  async #read(): Promise<void> {
    const { terminalId, clientId } = this;
    const request = { environmentId, terminalId, clientId, offset: BigInt(this.offset), windowBytes };
    try {
      for await (const { message } of host.terminals.attachTerminal(request, { signal: this.abort.signal })) {
        if (message.case === "terminal") this.last = message.value;
        if (message.case === "output") {
          const { offset, data } = message.value;
          this.lostBytes += Number(offset) - this.offset;
          this.offset = Number(offset) + data.length;
          this.receivedBytes += data.length;
          this.text = (this.text + Buffer.from(data).toString()).slice(-keptLength);
          await host.terminals.acknowledgeTerminal({ environmentId, terminalId, clientId, offset: BigInt(this.offset) });
        }
        this.#wake();
      }
    } catch (error) {
      if (!this.abort.signal.aborted) throw error;
    }
    this.ended = true;
    this.#wake();
  }

  async type(text: string): Promise<void> {
    const { terminalId, clientId } = this;
    await host.terminals.writeTerminal({ environmentId, terminalId, clientId, sequence: ++this.#sequence, data: Buffer.from(text) });
  }

  async until(condition: () => boolean): Promise<void> {
    const deadline = AbortSignal.timeout(readLimitMs);
    deadline.addEventListener("abort", () => this.#wake());
    while (!condition()) {
      if (deadline.aborted) throw new Error(`it did not come to that; the last was: ${JSON.stringify(this.text.slice(-500))}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async shows(text: string): Promise<void> {
    await this.until(() => this.text.includes(text));
  }

  detach(): void {
    this.abort.abort();
  }
}

test("what is typed is run and read back, and a window that attaches later sees the same terminal", async () => {
  const { terminalId } = await open({ name: "build" });
  const first = new Window(terminalId);
  await first.shows("$ ");
  await first.type("echo hello\r");
  await first.shows("hello\r\n");
  await first.type("size\r");
  await first.shows("30 100");
  first.detach();
  const second = new Window(terminalId);
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
  const window = new Window(terminalId);
  await window.shows("$ ");
  const other = new Window(terminalId);
  window.detach();
  await other.type("echo meanwhile\r");
  await other.shows("meanwhile\r\n");
  const back = new Window(terminalId, window.offset);
  await back.shows("meanwhile\r\n");
  expect(back.text.startsWith("echo meanwhile")).toBe(true);
  expect(back.lostBytes).toBe(0);
});

test("keys that arrive out of order or twice are typed once and in order", async () => {
  const { terminalId } = await open();
  const window = new Window(terminalId);
  await window.shows("$ ");
  const clientId = randomUUID();
  const key = async (sequence: number, text: string) =>
    host.terminals.writeTerminal({ environmentId, terminalId, clientId, sequence: BigInt(sequence), data: Buffer.from(text) });
  await Promise.all([..."echo abcdefgh\r"].map(async (text, i) => key(i + 1, text)).toReversed());
  await key(3, "h");
  await window.shows("abcdefgh\r\n");
});

test("while one terminal floods, another one answers, and nothing of the flood is lost to who keeps up", async () => {
  const flood = new Window((await open()).terminalId);
  const other = new Window((await open()).terminalId);
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
  const window = new Window(terminalId);
  await window.shows("$ ");
  await window.type("cat 900M\r");
  await window.until(() => window.receivedBytes > mebibyte);
  await window.type("\u0003");
  await window.shows("^C");
  expect(window.receivedBytes).toBeLessThan(500 * mebibyte);
  await window.type("cat 8M\r");
  window.detach();
  const after = new Window(terminalId, window.offset);
  await after.until(() => after.text.includes("00083880 abc") && after.text.endsWith("$ "));
});

test("an end is told with its exit code, and what was printed stays until it is closed", async () => {
  const { terminalId } = await open();
  const window = new Window(terminalId);
  await window.shows("$ ");
  await window.type("exit 7\r");
  await window.until(() => window.ended);
  expect(window.last).toMatchObject({ exited: true, exitCode: 7 });
  const late = new Window(terminalId);
  await late.until(() => late.ended);
  expect(late.text).toContain("exit 7");
  await host.terminals.closeTerminal({ environmentId, terminalId });
  await expect(host.terminals.renameTerminal({ environmentId, terminalId, name: "x" })).rejects.toThrow(/terminal is gone/);
  expect((await host.terminals.listTerminals({ environmentId })).terminals.some((t) => t.terminalId === terminalId)).toBe(false);
});

test("there are limits, and they are said", async () => {
  const id = await host.createRunning("limits");
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
  const id = await host.createRunning("stops");
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
