import { createClient } from "@connectrpc/connect";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { HostService, WorkspaceService } from "../../src/contract/gen/berth/v1/host_pb.js";
import { TerminalService } from "../../src/contract/gen/berth/v1/terminal_pb.js";
import { HostSessions, hostTransport } from "../../src/lib/host-transport.ts";
import { berthPaths } from "../../src/lib/paths.ts";
import { TerminalWindow } from "../support/terminal-window.ts";
import { must, Product } from "./product.ts";

const product = new Product(inject("productFolder"));
const name = "terminals";
const mebibyte = 1024 ** 2;
const windows: TerminalWindow[] = [];
const sessions: HostSessions[] = [];
const adoptLimitMs = 60_000;
let environmentId: string;

beforeAll(() => {
  const folder = join(product.folder, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, ".devcontainer"), { recursive: true });
  writeFileSync(
    join(folder, ".devcontainer/devcontainer.json"),
    JSON.stringify({ image: "berth/devcontainer:13", remoteEnv: { FROM_CONFIG: "a value" } }),
  );
  must(product.create(folder, name));
  environmentId = String(product.show(name)["id"]);
});

afterAll(() => {
  for (const window of windows) window.detach();
  for (const session of sessions) session.abort();
  product.berth("delete", name, "--force");
});

function clients() {
  const sessionManager = new HostSessions(berthPaths(product.env).apiSocket);
  sessions.push(sessionManager);
  const transport = hostTransport(sessionManager);
  return {
    terminals: createClient(TerminalService, transport),
    workspaces: createClient(WorkspaceService, transport),
    host: createClient(HostService, transport),
  };
}

async function open(argv: string[] = []): Promise<TerminalWindow & { readonly terminalId: string }> {
  const { terminals } = clients();
  const { terminal } = await terminals.createTerminal({ environmentId, columns: 100, rows: 30, argv });
  const window = new TerminalWindow({ terminals, environmentId, terminalId: terminal?.terminalId ?? "" });
  windows.push(window);
  return Object.assign(window, { terminalId: terminal?.terminalId ?? "" });
}

test("a login shell of the container's user runs in the working copy, with its environment and the terminal's size", async () => {
  const window = await open();
  await window.shows("$ ");
  await window.type('echo "$(id -un) $PWD $FROM_CONFIG $TERM $(stty size) $(shopt -q login_shell && echo login)"\r');
  await window.shows(`vscode /workspaces/${name} a value xterm-256color 30 100 login`);
  await clients().terminals.resizeTerminal({ environmentId, terminalId: window.terminalId, columns: 120, rows: 40 });
  await window.type("stty size\r");
  await window.shows("40 120");
  await window.type("exit 5\r");
  await window.until(() => window.ended);
  expect(window.last).toMatchObject({ exited: true, exitCode: 5 });
});

test("while one terminal floods, keys in another are echoed, and the flood can be interrupted", async () => {
  const [flood, other] = [await open(), await open()];
  await Promise.all([flood.shows("$ "), other.shows("$ ")]);
  await flood.type("yes 0123456789abcdef\r");
  await flood.until(() => flood.receivedBytes > mebibyte);
  const echoMs: number[] = [];
  for (let i = 0; i < 20; i++) {
    const at = performance.now();
    const bytes = other.receivedBytes;
    await other.type("x");
    await other.until(() => other.receivedBytes > bytes);
    echoMs.push(performance.now() - at);
  }
  process.stdout.write(`echo beside a flood: ${echoMs.map((ms) => ms.toFixed(0)).join(" ")} ms\n`);
  await flood.type("\u0003");
  await flood.until(() => flood.text.trimEnd().endsWith("$"));
  expect(flood.lostBytes).toBe(0);
});

test("a terminal outlives its host: the next one finds it, with what was printed meanwhile", async () => {
  const window = await open();
  await window.shows("$ ");
  await window.type("kept=by-the-shell; sleep 3; echo printed meanwhile\r");
  await window.shows("sleep 3");
  process.kill(Number(must(product.berth("host", "pid")).stdout.trim()), "SIGKILL");
  await window.until(() => window.ended);
  must(product.berth("list"));
  const { terminals } = clients();
  const { terminalId } = window;
  const known = async (): Promise<string[]> =>
    terminals.listTerminals({ environmentId }).then(
      (answer) => answer.terminals.map((t) => t.terminalId),
      () => [],
    );
  // The new host takes the machine over after it has begun to serve.
  await expect.poll(known, { timeout: adoptLimitMs }).toContain(terminalId);
  const back = new TerminalWindow({ terminals, environmentId, terminalId, offset: window.offset });
  windows.push(back);
  await back.shows("printed meanwhile");
  await back.type('echo "still $kept"\r');
  await back.shows("still by-the-shell");
  expect(back.lostBytes).toBe(0);
});

test("closing a terminal ends what runs in it", async () => {
  const window = await open(["sleep", "4711"]);
  const running = (): string => product.berth("exec", name, "--", "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout;
  await expect.poll(running).toContain("sleep 4711");
  await clients().terminals.closeTerminal({ environmentId, terminalId: window.terminalId });
  await expect.poll(running, { timeout: 20_000 }).not.toContain("sleep 4711");
});

test("what the container uses and what the disk holds is told", async () => {
  const { workspaces, host } = clients();
  const usage = async () => (await workspaces.getEnvironmentUsage({ environmentIds: [environmentId] })).environments[0];
  const before = await usage();
  expect(before?.memoryBytes).toBeGreaterThan(100_000n);
  must(
    product.berth("exec", name, "--", "sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; head -c 5000000 /dev/urandom > big"),
  );
  expect((await usage())?.cpuNanoseconds ?? 0n).toBeGreaterThan((before?.cpuNanoseconds ?? 0n) + 10_000_000n);
  const { bill, allocatedBytes } = await host.getMachineDiskBill({});
  const own = bill?.environments.find((e) => e.environmentId === environmentId);
  expect(own?.workingCopyBytes).toBeGreaterThan(5_000_000n);
  expect(bill?.sharedImagesBytes).toBeGreaterThan(10_000_000n);
  expect(allocatedBytes).toBeGreaterThan(0n);
  await host.reclaimMachineSpace({});
  expect((await host.getMachineDiskBill({})).bill?.buildCacheBytes).toBe(0n);
  must(product.berth("exec", name, "--", "true"));
});
