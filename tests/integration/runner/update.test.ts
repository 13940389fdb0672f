import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packageName } from "../../../src/host/runner/find-update.ts";
import { identifyProcess } from "../../../src/lib/process-identity.ts";
import { waitUntil } from "../../../src/lib/wait-until.ts";

const appFolder = join(import.meta.dirname, "../../../.cache/app");
const pollMs = 50;
const settleLimitMs = 50_000;
const oldVersion = "1.0.0";
const newVersion = "1.1.0";

/** How a version behaves once it runs. */
type Behaviour = "healthy" | "ends" | "never-ready";

let folder: string;
let home: string;
let feed: Server;
let feedFolder: string;
/** What a feed that is slow waits for before it answers. */
let feedHold: Promise<void> | undefined;
let feedQuestions = 0;
let supervisor: ChildProcess | undefined;
const keys = generateKeyPairSync("ed25519");

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "berth-update-"));
  home = join(folder, "home");
  feedFolder = join(folder, "feed");
  mkdirSync(join(home, "versions"), { recursive: true, mode: 0o700 });
  mkdirSync(join(home, "logs"));
  mkdirSync(join(feedFolder, "stable"), { recursive: true });
  feedHold = undefined;
  feedQuestions = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    feedQuestions++;
    await feedHold;
    const path = join(feedFolder, (request.url ?? "").slice(1));
    if (existsSync(path)) response.end(readFileSync(path));
    else response.writeHead(404).end();
  };
  feed = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => feed.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  await endSupervisor("SIGTERM");
  feed.close();
  const machine = pidIn("machine.pid");
  if (machine !== undefined) process.kill(machine, "SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** A version of a runner as a real process: it keeps one machine, a process of its own, and says so when it has it. */
function fakeVersion(version: string, behaviour: Behaviour): string {
  return `
    import { spawn } from "node:child_process";
    import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
    import { join } from "node:path";
    if (process.argv[2] === "supervise") await import("./real/runner.mjs");
    else {
      const home = process.env.BERTH_HOME;
      const pidFile = join(home, "machine.pid");
      const note = (text) => appendFileSync(join(home, "lives.txt"), "${version} " + text + "\\n");
      const isAlive = () => { try { process.kill(Number(readFileSync(pidFile, "utf8")), 0); return true; } catch { return false; } };
      if (!isAlive()) {
        const machine = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
        machine.unref();
        writeFileSync(pidFile, String(machine.pid));
        note("started a machine");
      } else note("adopted the machine");
      writeFileSync(join(home, "runner.pid"), String(process.pid));
      const end = () => { note("ended"); process.exit(0); };
      process.on("SIGTERM", end);
      process.on("disconnect", end);
      process.on("message", (message) => message.kind === "are-you-alive" && process.send({ kind: "alive" }));
      if ("${behaviour}" === "ends") process.exit(3);
      if ("${behaviour}" === "healthy") process.send({ kind: "ready" });
      if (existsSync(join(home, "ask"))) process.send({ kind: "update-now" });
    }
  `;
}

function writeVersion(path: string, version: string, behaviour: Behaviour): void {
  mkdirSync(join(path, "app", "real"), { recursive: true });
  symlinkSync(process.execPath, join(path, "node"));
  writeFileSync(join(path, "app", "runner.mjs"), fakeVersion(version, behaviour));
  copyFileSync(join(appFolder, "runner.mjs"), join(path, "app", "real", "runner.mjs"));
  writeFileSync(join(path, "app", "real", "update-key.pem"), keys.publicKey.export({ type: "spki", format: "pem" }));
}

function install(): void {
  writeVersion(join(home, "versions", oldVersion), oldVersion, "healthy");
  for (const link of ["good", "current"]) symlinkSync(join("versions", oldVersion), join(home, link));
  const address = feed.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  writeFileSync(join(home, "runner.json"), JSON.stringify({ version: 1, update: { channel: "stable", feed: url } }));
}

function offer(
  behaviour: Behaviour,
  { key = keys.privateKey, version = newVersion, tampered = false }: { key?: KeyObject; version?: string; tampered?: boolean } = {},
): void {
  const made = join(folder, "made");
  rmSync(made, { recursive: true, force: true });
  writeVersion(made, version, behaviour);
  const path = join(feedFolder, "stable", packageName(version));
  expect(spawnSync("tar", ["--create", "--gzip", `--file=${path}`, `--directory=${made}`, ...readdirSync(made)]).status).toBe(0);
  const sha512 = createHash("sha512").update(readFileSync(path)).digest("base64");
  const release = Buffer.from(JSON.stringify({ product: "berth", channel: "stable", version, files: [{ name: basename(path), sha512 }] }));
  writeFileSync(join(feedFolder, "stable/release.json"), release);
  writeFileSync(join(feedFolder, "stable/release.json.sig"), sign(null, release, key));
  if (tampered) writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.from("x")]));
}

/** As systemd does: from what the link says is good. */
function startSupervisor(faults = ""): ChildProcess {
  const child = spawn(join(home, "good/node"), [join(home, "good/app/runner.mjs"), "supervise"], {
    env: { PATH: process.env["PATH"], BERTH_HOME: home, BERTH_SIMULATE: faults },
    stdio: "ignore",
  });
  supervisor = child;
  return child;
}

async function endSupervisor(signal: NodeJS.Signals): Promise<void> {
  const child = supervisor;
  supervisor = undefined;
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await ended;
}

function pidIn(name: string): number | undefined {
  const pid = existsSync(join(home, name)) ? Number(readFileSync(join(home, name), "utf8")) : 0;
  return pid > 0 && identifyProcess(pid) !== undefined ? pid : undefined;
}

const lives = (): string[] => (existsSync(join(home, "lives.txt")) ? readFileSync(join(home, "lives.txt"), "utf8").trim().split("\n") : []);
const state = (): string => (existsSync(join(home, "update.json")) ? readFileSync(join(home, "update.json"), "utf8") : "");
const link = (name: string): string => basename(readlinkSync(join(home, name)));

async function until(condition: () => boolean): Promise<void> {
  const held = await waitUntil(condition, { intervalMs: pollMs, signal: AbortSignal.timeout(settleLimitMs) });
  if (!held)
    throw new Error(`it did not come to it: ${state()}\n${lives().join("\n")}\n${readFileSync(join(home, "logs/supervisor.log"), "utf8")}`);
}

async function untilRuns(version: string): Promise<void> {
  await until(
    () =>
      link("good") === version &&
      link("current") === version &&
      !state().includes("trying") &&
      lives()
        .findLast((l) => !l.endsWith("ended"))
        ?.startsWith(version) === true &&
      pidIn("runner.pid") !== undefined,
  );
}

test("a new version is tried beside the old one, adopts its machine, and becomes the good one", async () => {
  install();
  offer("healthy");
  startSupervisor();
  await untilRuns(newVersion);
  expect(lives()).toEqual([`${oldVersion} started a machine`, `${oldVersion} ended`, `${newVersion} adopted the machine`]);
  expect(pidIn("machine.pid")).toBeDefined();
  await until(() => !existsSync(join(home, "versions", oldVersion)));
  // The next supervisor is of the new version, and there is nothing more to do.
  await endSupervisor("SIGTERM");
  startSupervisor();
  await until(() => lives().at(-1) === `${newVersion} adopted the machine` && lives().length === 5);
  expect(JSON.parse(state())).toMatchObject({ kind: "idle", message: `updated to ${newVersion}` });
});

test("a version that ends is taken back at once, its machine untouched, and is not tried again by itself", async () => {
  install();
  offer("ends");
  startSupervisor();
  await until(() => state().includes("rolled-back"));
  await untilRuns(oldVersion);
  expect(JSON.parse(state())).toMatchObject({ version: newVersion, reason: "it ended with code 3" });
  expect(lives().filter((life) => life.includes("started a machine"))).toHaveLength(1);
  expect(pidIn("machine.pid")).toBeDefined();
});

test.each<[string, Parameters<typeof offer>[1]]>([
  ["signed by another key", { key: generateKeyPairSync("ed25519").privateKey }],
  ["not what was signed", { tampered: true }],
  ["older", { version: "0.9.0" }],
])("a release that is %s never becomes a version here", async (_name, change) => {
  install();
  offer("healthy", change);
  startSupervisor();
  await until(() => state().includes("checkedAtMs"));
  expect(readdirSync(join(home, "versions"))).toEqual([oldVersion]);
  expect(link("current")).toBe(oldVersion);
  expect(JSON.parse(state())).toMatchObject({
    kind: "idle",
    message: expect.stringMatching(/signature is wrong|not what was signed|newest version/) as unknown,
  });
});

test.each(["check", "link-current", "try", "link-good", "note"])(
  "killed after the step '%s', an update is carried through by the next supervisor",
  async (step) => {
    install();
    offer("healthy");
    const first = startSupervisor(`die-at-${step}`);
    await until(() => first.signalCode === "SIGKILL");
    expect(pidIn("machine.pid")).toBeDefined();
    startSupervisor();
    await untilRuns(newVersion);
    expect(lives().filter((life) => life.includes("started a machine"))).toHaveLength(1);
    expect(pidIn("machine.pid")).toBeDefined();
  },
);

test.each(["try", "note", "link-current"])(
  "killed after the step '%s', a version that ends is taken back by the next supervisor",
  async (step) => {
    install();
    offer("ends");
    const first = startSupervisor(`die-at-${step}`);
    await until(() => first.signalCode === "SIGKILL");
    startSupervisor();
    await until(() => state().includes("rolled-back"));
    await untilRuns(oldVersion);
    expect(lives().filter((life) => life.includes("started a machine"))).toHaveLength(1);
    expect(pidIn("machine.pid")).toBeDefined();
  },
);

test("a runner whose process is killed is started again, and its machine lives through it", async () => {
  install();
  startSupervisor();
  await until(() => pidIn("runner.pid") !== undefined);
  const machine = pidIn("machine.pid");
  process.kill(pidIn("runner.pid") ?? 0, "SIGKILL");
  await until(() => lives().at(-1) === `${oldVersion} adopted the machine`);
  expect(pidIn("machine.pid")).toBe(machine);
});

test("a runner that ends while a newer version is looked for is started again, and the look goes on", async () => {
  install();
  offer("healthy");
  const held = Promise.withResolvers<void>();
  feedHold = held.promise;
  startSupervisor();
  await until(() => feedQuestions === 2 && pidIn("runner.pid") !== undefined);
  // Whoever asks now shares the look that is under way.
  writeFileSync(join(home, "ask"), "");
  process.kill(pidIn("runner.pid") ?? 0, "SIGKILL");
  await until(() => lives().at(-1) === `${oldVersion} adopted the machine`);
  expect({ feedQuestions, state: state() }).toEqual({ feedQuestions: 2, state: "" });
  rmSync(join(home, "ask"));
  held.resolve();
  await untilRuns(newVersion);
});

test("when the supervisor is killed the runner ends, and its machine does not", async () => {
  install();
  startSupervisor();
  await until(() => pidIn("runner.pid") !== undefined);
  const machine = pidIn("machine.pid");
  await endSupervisor("SIGKILL");
  await until(() => pidIn("runner.pid") === undefined);
  expect(pidIn("machine.pid")).toBe(machine);
});
