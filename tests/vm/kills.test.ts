import { createClient } from "@connectrpc/connect";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { phaseName } from "../../src/cli/environments.ts";
import { HostSessions, hostTransport } from "../../src/lib/host-transport.ts";
import { EnvironmentService } from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { berthPaths } from "../../src/lib/paths.ts";
import { waitUntil } from "../../src/lib/wait-until.ts";
import { bundlePrograms, must, Product } from "./product.ts";

/** How many; fewer for a quick look. */
const kills = Number(process.env["BERTH_KILLS"] ?? 20);
const recoveryLimitMs = 240_000;
const pollMs = 250;
const askTimeoutMs = 20_000;
const notRunningExitCode = 4;
const unreachableExitCode = 5;
/** Kills come at any moment of an operation; under emulation one takes about this long. */
const maxDelayMs = 9000;
const seed = Number(process.env["BERTH_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const pidSchema = z.object({ pid: z.number() });

/** What must be true of an environment whatever was killed: every file that was acknowledged, and where it is to end. */
interface Known {
  readonly files: Map<string, string>;
  wanted: "running" | "stopped";
}

const product = new Product();
const client = createClient(EnvironmentService, hostTransport(new HostSessions(berthPaths(product.env).apiSocket)));
const known = new Map<string, Known>();
const random = mulberry32(seed);
let made = 0;

beforeAll(() => {
  bundlePrograms();
  process.stdout.write(`the seed of the kills is ${seed}; run them again with BERTH_SEED=${seed}\n`);
  const outcome = product.berth("create", newFolder("first"), "--name", "first");
  must(outcome);
  known.set("first", { files: new Map([["made.txt", "first\n"]]), wanted: "running" });
});

afterAll(() => product.end());

for (let n = 1; n <= kills; n++) {
  test(`kill ${n} leaves every acknowledged file and a consistent state (seed ${seed})`, async () => {
    const begun = begin();
    await new Promise<void>((resolve) => setTimeout(resolve, random() * maxDelayMs));
    const victim = random() < 0.6 ? "host" : "machine";
    kill(victim);
    process.stdout.write(`kill ${n} of the ${victim} during ${begun.what}\n`);
    await begun.settle();
    await recovered(`seed ${seed}, kill ${n} of the ${victim} during ${begun.what}`);
  });
}

interface Begun {
  readonly what: string;
  /** Waits for the client's end and notes what was acknowledged. */
  settle(): Promise<void>;
}

function begin(): Begun {
  const names = [...known.keys()];
  const name = names[Math.floor(random() * names.length)] ?? "first";
  const entry = known.get(name);
  if (entry === undefined) throw new Error("there is always an environment");
  const choices = entry.wanted === "running" ? ["write", "write", "stop", ...(names.length < 2 ? ["create"] : ["delete"])] : ["start"];
  const what = choices[Math.floor(random() * choices.length)] ?? "write";
  switch (what) {
    case "create":
      return beginCreate();
    case "delete":
      return beginDelete(name);
    case "write":
      return beginWrite(name, entry);
    default: {
      const child = product.spawnBerth(what, name);
      return {
        what: `${what} ${name}`,
        settle: async () => {
          await ended(child);
          // What was wished is in the store or not; the list tells which, and it must then come true.
          entry.wanted = wish(name) ?? entry.wanted;
        },
      };
    }
  }
}

function beginCreate(): Begun {
  const name = `made-${++made}`;
  const child = product.spawnBerth("create", newFolder(name), "--name", name);
  return {
    what: `create ${name}`,
    settle: async () => {
      await ended(child);
      if ((await rows()).some((row) => row.name === name))
        known.set(name, { files: new Map([["made.txt", `${name}\n`]]), wanted: "running" });
    },
  };
}

function beginDelete(name: string): Begun {
  const child = product.spawnBerth("delete", name, "--force");
  return {
    what: `delete ${name}`,
    settle: async () => {
      await ended(child);
      // A wish that was not kept by the store before the kill is none.
      if (wish(name) !== undefined) return;
      const gone = await waitUntil(async () => !(await rows()).some((row) => row.name === name), {
        intervalMs: pollMs,
        signal: AbortSignal.timeout(recoveryLimitMs),
      });
      expect(gone, `seed ${seed}: ${name} was to be deleted`).toBe(true);
      known.delete(name);
    },
  };
}

function beginWrite(name: string, entry: Known): Begun {
  const prefix = `w${random().toString(36).slice(2, 8)}`;
  const script = `i=0; while :; do echo "${prefix} $i" > "${prefix}-$i" && sync "${prefix}-$i" . && echo "$i"; i=$((i+1)); done`;
  const child = spawn("ssh", ["-F", join(product.folder, "ssh_config"), `${name}.berth`, script], {
    env: product.env,
    stdio: ["ignore", "pipe", "ignore"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return {
    what: `write in ${name}`,
    settle: async () => {
      child.kill("SIGKILL");
      await ended(child);
      for (const i of text.split("\n").slice(0, -1)) entry.files.set(`${prefix}-${i}`, `${prefix} ${i}\n`);
    },
  };
}

function kill(victim: "host" | "machine"): void {
  try {
    if (victim === "host") process.kill(hostPid(), "SIGKILL");
    else process.kill(pidSchema.parse(JSON.parse(readFileSync(join(product.home, "machines/default/qemu.json"), "utf8"))).pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function hostPid(): number {
  return Number(must(product.berth("host", "pid")).stdout.trim());
}

async function recovered(situation: string): Promise<void> {
  let now = await rows();
  const asWanted = async (): Promise<boolean> => {
    now = await rows();
    return [...known].every(([name, entry]) => now.some((row) => row.name === name && row.phase === entry.wanted));
  };
  const consistent = await waitUntil(asWanted, { intervalMs: pollMs, signal: AbortSignal.timeout(recoveryLimitMs) });
  expect(
    consistent,
    `${situation}: ${JSON.stringify([...known].map(([name, { wanted }]) => ({ name, wanted })))} but ${JSON.stringify(now)}`,
  ).toBe(true);
  for (const [name, entry] of known) {
    if (entry.wanted !== "running") continue;
    const wanted = [...entry.files].map(([file, text]) => `${file}:${text}`).join("");
    expect(await contentOf(name, [...entry.files.keys()]), situation).toBe(wanted);
  }
}

/** The files of an environment; the phase may be a moment older than the kill, after which it is not reachable for a while. */
async function contentOf(name: string, files: readonly string[]): Promise<string> {
  let seen = { status: null as number | null, stdout: "", stderr: "" };
  await waitUntil(
    () => {
      seen = product.berth("exec", name, "--", "grep", "-H", "", "--", ...files);
      return seen.status !== unreachableExitCode && seen.status !== notRunningExitCode;
    },
    { intervalMs: pollMs, signal: AbortSignal.timeout(recoveryLimitMs) },
  );
  return `${seen.stderr}${seen.stdout}`;
}

/** All environments with their phases; asked within this process, because a command a second would be a load of its own. */
async function rows(): Promise<{ readonly name: string; readonly phase: string }[]> {
  const ask = async () => client.listEnvironments({}, { timeoutMs: askTimeoutMs });
  const { environments } = await ask().catch(async () => {
    // A command starts the host that was killed.
    must(product.berth("list"));
    return ask();
  });
  return environments.map((e) => ({ name: e.metadata?.name ?? "", phase: phaseName(e.status?.phase) }));
}

/** What the store says is wanted of an environment; undefined once it is to be deleted or gone. */
function wish(name: string): "running" | "stopped" | undefined {
  const view = product.berth("show", name, "--json");
  if (view.status !== 0) return undefined;
  const { desired } = z.looseObject({ desired: z.string() }).parse(JSON.parse(view.stdout));
  return desired === "running" || desired === "stopped" ? desired : undefined;
}

function newFolder(name: string): string {
  const folder = join(product.folder, "sources", name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "made.txt"), `${name}\n`);
  return folder;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => child.once("close", () => resolve()));
}

/** A small generator whose whole course follows from its seed. */
function mulberry32(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
