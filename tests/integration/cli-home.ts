import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitUntil } from "../../src/lib/wait-until.ts";

const appFolder = join(import.meta.dirname, "../../.cache/app");
const pollMs = 20;
/** A disk that others keep busy makes every durable write wait. */
const waitLimitMs = 50_000;

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that goes on. */
export class RunningCommand {
  readonly child: ChildProcess;
  stdout = "";
  stderr = "";
  readonly #ended: Promise<Ended>;

  constructor(child: ChildProcess) {
    this.child = child;
    child.once("error", (error) => (this.stderr += error.message));
    child.stdout?.on("data", (chunk: Buffer) => (this.stdout += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.#ended = new Promise((resolve) => child.once("close", (status) => resolve({ status, stdout: this.stdout, stderr: this.stderr })));
  }

  async end(): Promise<Ended> {
    return this.#ended;
  }

  /** Waits until it has said something, on either stream. */
  async says(text: string | RegExp): Promise<void> {
    const said = await waitUntil(() => `${this.stdout}${this.stderr}`.search(text) !== -1, {
      intervalMs: pollMs,
      signal: AbortSignal.timeout(waitLimitMs),
    });
    if (!said) throw new Error(`'${text}' was not said, but:\n${this.stdout}\n${this.stderr}`);
  }

  type(text: string): void {
    this.child.stdin?.write(text);
  }
}

/** The CLI as people run it, with a home of its own and simulated machines. */
export class CliHome {
  readonly folder = mkdtempSync(join(tmpdir(), "berth-cli-"));
  readonly home = join(this.folder, "home");
  readonly env: NodeJS.ProcessEnv = {
    PATH: process.env["PATH"],
    HOME: this.folder,
    TERM: "xterm",
    BERTH_HOME: this.home,
    BERTH_SSH_CONFIG: join(this.folder, "ssh_config"),
    BERTH_DRIVER: "simulated",
  };

  async berth(...args: readonly string[]): Promise<Ended> {
    const command = this.spawn(args);
    command.child.stdin?.end();
    return command.end();
  }

  /** `npm start`, but for what it sets up first. */
  async npmStart(...args: readonly string[]): Promise<Ended> {
    return this.spawn(args, { program: "start" }).end();
  }

  spawn(args: readonly string[], options: { readonly program?: "berth" | "start"; readonly env?: NodeJS.ProcessEnv } = {}): RunningCommand {
    const program = join(appFolder, `${options.program ?? "berth"}.mjs`);
    return new RunningCommand(spawn(process.execPath, [program, ...args], { env: { ...this.env, ...options.env }, cwd: this.folder }));
  }

  /** The same on a terminal of its own. */
  spawnOnTerminal(...args: readonly string[]): RunningCommand {
    return this.shellOnTerminal(`exec berth ${args.map((word) => `'${word}'`).join(" ")}`);
  }

  /** A script of a shell, on a terminal of its own, that knows `berth`. */
  shellOnTerminal(script: string): RunningCommand {
    const args = ["--quiet", "--flush", "--return", "--command", script, "/dev/null"];
    return new RunningCommand(spawn("script", args, { env: { ...this.env, ...this.withBerthInPath() }, cwd: this.folder }));
  }

  /** An environment in which shells find `berth`. */
  withBerthInPath(): NodeJS.ProcessEnv {
    const bin = join(this.folder, "bin");
    mkdirSync(bin, { recursive: true });
    const program = `#!/bin/sh\nexec '${process.execPath}' '${join(appFolder, "berth.mjs")}' "$@"\n`;
    writeFileSync(join(bin, "berth"), program, { mode: 0o755 });
    return { PATH: `${bin}:${process.env["PATH"]}` };
  }

  /** The objects that a command prints. */
  async json(...args: readonly string[]): Promise<Readonly<Record<string, unknown>>[]> {
    const { stdout } = await this.berth(...args, "--json");
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line): Readonly<Record<string, unknown>> => JSON.parse(line));
  }

  /** Waits until `show` has something to say. */
  async whenShown(name: string, wanted: Readonly<Record<string, unknown>>): Promise<void> {
    let last: Readonly<Record<string, unknown>> | undefined;
    const held = await waitUntil(
      async () => {
        [last] = await this.json("show", name);
        return Object.entries(wanted).every(([key, value]) => last?.[key] === value);
      },
      { intervalMs: pollMs, signal: AbortSignal.timeout(waitLimitMs) },
    );
    if (!held) throw new Error(`${name} is ${JSON.stringify(last)}`);
  }

  async end(): Promise<void> {
    await this.berth("host", "stop", "--keep-machines");
    rmSync(this.folder, { recursive: true, force: true });
  }
}
