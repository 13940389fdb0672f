import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { identifyProcess } from "../../../src/lib/process-identity.ts";
import { waitUntil } from "../../../src/lib/wait-until.ts";
import type { Ended } from "../cli-home.ts";
import { spawnBerth } from "./runner-cli.ts";

const pollMs = 100;
const waitLimitMs = 50_000;

let folder: string;
let root: string;
let home: string;
let service: ChildProcess | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "berth-service-"));
  // The runner's user goes through it.
  chmodSync(folder, 0o755);
  root = join(folder, "root");
  mkdirSync(root, { mode: 0o755 });
  home = join(root, "var/lib/berth");
  expect((await berth("runner", "setup", "--root", root, "--stand-alone")).status).toBe(0);
});
afterEach(async () => {
  await endService("SIGTERM");
  rmSync(folder, { recursive: true, force: true });
});

const environment = (): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  HOME: folder,
  BERTH_HOME: home,
  BERTH_DRIVER: "simulated",
  BERTH_SIMULATE: "memory-64g",
  BERTH_IMAGES: join(folder, "none"),
});

async function berth(...args: readonly string[]): Promise<Ended> {
  const command = spawnBerth(args, environment());
  command.child.stdin?.end();
  return command.end();
}

/** The user that the set-up made, where this test may become it. */
function runnerUser(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const [, uid, gid] = /^berth:x:(\d+):(\d+):/m.exec(readFileSync(join(root, "etc/passwd"), "utf8")) ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

/** The service's command, as its unit has it. */
function startService(): void {
  const unit = readFileSync(join(root, "etc/systemd/system/berth-runner.service"), "utf8");
  const [program = "", ...args] = (/^ExecStart=(.+)$/m.exec(unit)?.[1] ?? "").split(" ");
  const inRoot = [program, ...args].map((word) => (word.startsWith("/") ? join(root, word) : word));
  service = spawn(inRoot[0] ?? "", inRoot.slice(1), { env: environment(), stdio: "ignore", cwd: home, ...runnerUser() });
}

async function endService(signal: NodeJS.Signals): Promise<void> {
  const child = service;
  service = undefined;
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await ended;
}

async function runnerPid(): Promise<number | undefined> {
  const { status, stdout } = await berth("runner", "status", "--json");
  return status === 0 ? (JSON.parse(stdout) as { pid: number }).pid : undefined;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const held = await waitUntil(condition, { intervalMs: pollMs, signal: AbortSignal.timeout(waitLimitMs) });
  if (!held) throw new Error(`it did not come to it: ${readFileSync(join(home, "logs/supervisor.log"), "utf8")}`);
}

test("what the set-up installed runs as the unit says, is started again when it is killed, and ends when it is told", async () => {
  startService();
  await until(async () => (await runnerPid()) !== undefined);
  const pid = (await runnerPid()) ?? 0;
  expect((await berth("create", "https://simulated.test/plain.git", "--name", "web")).status).toBe(0);
  process.kill(pid, "SIGKILL");
  await until(async () => ![undefined, pid].includes(await runnerPid()));
  const { stdout } = await berth("runner", "status", "--json");
  expect(JSON.parse(stdout)).toMatchObject({ environments: [{ name: "web" }] });
  // There is somebody above it, who finds that no feed was set.
  const update = await berth("runner", "update");
  expect(update.stderr).toContain("no feed of releases was set");
  const second = (await runnerPid()) ?? 0;
  await endService("SIGTERM");
  expect(identifyProcess(second)).toBeUndefined();
});

test("when its supervisor is killed, the next one waits for the process that ends and takes over", async () => {
  startService();
  await until(async () => (await runnerPid()) !== undefined);
  const pid = await runnerPid();
  await endService("SIGKILL");
  startService();
  await until(async () => ![undefined, pid].includes(await runnerPid()));
  expect(identifyProcess(pid ?? 0)).toBeUndefined();
});

test("a runner is not removed while environments have work, unless it is told which may be lost", async () => {
  startService();
  await until(async () => (await runnerPid()) !== undefined);
  expect((await berth("create", "https://simulated.test/dirty.git", "--name", "precious")).status).toBe(0);
  expect((await berth("create", "https://simulated.test/plain.git", "--name", "clean")).status).toBe(0);
  for (const args of [[], ["--delete-data"], ["--delete-data", "--confirm", "clean"]]) {
    const refused = await berth("runner", "uninstall", "--root", root, ...args);
    expect(refused.status).toBe(4);
    expect(refused.stderr).toMatch(/precious has 3 changed files and 2 unpushed commits.*--confirm precious/);
    expect(refused.stderr).not.toMatch(/clean has/);
  }
  expect(existsSync(join(root, "etc/systemd/system/berth-runner.service"))).toBe(true);
  expect(await runnerPid()).toBeDefined();
  const done = await berth("runner", "uninstall", "--root", root, "--delete-data", "--confirm", "precious");
  expect({ status: done.status, stderr: done.stderr }).toMatchObject({ status: 0 });
  expect(existsSync(home)).toBe(false);
  // A call ended the runner, so the service ended with it.
  await until(() => service?.exitCode === 0);
});

test("a runner that cannot be asked is not removed with its machines unless that is said", async () => {
  startService();
  await until(async () => (await runnerPid()) !== undefined);
  expect((await berth("create", "https://simulated.test/plain.git", "--name", "web")).status).toBe(0);
  await endService("SIGTERM");
  const refused = await berth("runner", "uninstall", "--root", root, "--delete-data");
  expect(refused.status).toBe(4);
  expect(refused.stderr).toContain("cannot be asked");
  expect(existsSync(join(home, "machines"))).toBe(true);
  expect((await berth("runner", "uninstall", "--root", root, "--delete-data", "--confirm", "unknown")).status).toBe(0);
  expect(existsSync(home)).toBe(false);
});
