import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { identifyProcess, isSameProcess, type ProcessIdentity } from "../../../src/lib/process-identity.ts";
import { waitUntil } from "../../../src/lib/wait-until.ts";
import { offerImage } from "../../support/simulated-images.ts";
import type { Ended, RunningCommand } from "../cli-home.ts";
import { spawnBerth } from "./runner-cli.ts";

const pollMs = 100;
const waitLimitMs = 50_000;

let folder: string;
let home: string;
let runnerProcess: RunningCommand | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-o-"));
  home = join(folder, "h");
  mkdirSync(home, { mode: 0o700 });
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const fake = join(import.meta.dirname, "../../support/fake-qemu/main.ts");
  for (const name of ["qemu-system-x86_64", "qemu-system-aarch64"]) {
    writeFileSync(join(bin, name), `#!/bin/sh\nexec '${process.execPath}' --disable-warning=ExperimentalWarning '${fake}' "$@"\n`);
    chmodSync(join(bin, name), 0o755);
  }
  offerImage(join(folder, "images"), "fake");
});
afterEach(async () => {
  await endRunner("SIGTERM");
  const machine = machineProcess();
  if (machine !== undefined) process.kill(machine.pid, "SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

function start(...args: readonly string[]): RunningCommand {
  const env = {
    PATH: `${join(folder, "bin")}:${process.env["PATH"]}`,
    HOME: folder,
    BERTH_HOME: home,
    BERTH_DRIVER: "qemu",
    BERTH_ACCELERATOR: "tcg",
    BERTH_NETWORK: "slirp",
    BERTH_IMAGES: join(folder, "images"),
  };
  const command = spawnBerth(args, env);
  command.child.stdin?.end();
  return command;
}

async function berth(...args: readonly string[]): Promise<Ended> {
  return start(...args).end();
}

async function startRunner(): Promise<void> {
  runnerProcess = start("runner", "run");
  await runnerProcess.says("the host is ready");
}

async function endRunner(signal: NodeJS.Signals): Promise<void> {
  const command = runnerProcess;
  runnerProcess = undefined;
  command?.child.kill(signal);
  await command?.end();
}

function machineProcess(): ProcessIdentity | undefined {
  try {
    return identifyProcess(Number(readFileSync(join(home, "machines/default/qemu.pid"), "utf8")));
  } catch {
    return undefined;
  }
}

interface Status {
  readonly environments: readonly { readonly phase: string }[];
  readonly machines: readonly { readonly id: string; readonly state: string }[];
}

async function isWell(): Promise<boolean> {
  const { stdout } = await berth("runner", "status", "--json");
  if (stdout === "") return false;
  const { environments, machines } = JSON.parse(stdout) as Status;
  return environments[0]?.phase === "running" && machines.some(({ id, state }) => id === "default" && state === "ready");
}

test.each(["SIGTERM", "SIGKILL"] as const)(
  "a machine is a process of its own: it outlives a runner that ends by %s, and the next one adopts it with what runs on it",
  { timeout: 180_000 },
  async (signal) => {
    await startRunner();
    const created = await berth("create", "https://simulated.test/plain.git", "--name", "web", "--class", "shared");
    expect({ status: created.status, stderr: created.stderr }).toMatchObject({ status: 0 });
    const before = machineProcess();
    expect(before).toBeDefined();
    const showed = JSON.parse((await berth("show", "web", "--json")).stdout) as { startedAt: string };
    await endRunner(signal);
    expect(before !== undefined && isSameProcess(before)).toBe(true);

    await startRunner();
    expect(await waitUntil(isWell, { intervalMs: pollMs, signal: AbortSignal.timeout(waitLimitMs) })).toBe(true);
    expect(machineProcess()).toEqual(before);
    expect(JSON.parse((await berth("show", "web", "--json")).stdout)).toMatchObject({ startedAt: showed.startedAt });
  },
);
