import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";

declare module "vitest" {
  interface ProvidedContext {
    /** Folder of the product that all tests of one run share. */
    readonly productFolder: string;
  }
}

const projectRoot = join(import.meta.dirname, "../..");
/** The bundles, because they are what people run; tools/bundle.ts makes them. */
const programs = join(projectRoot, ".cache/app");
const cli = join(programs, "berth.mjs");
/** A run that takes longer than this hangs. */
const commandTimeoutMs = 10 * 60_000;
const maxOutputBytes = 256 * 1024 * 1024;
/** A machine of two processors makes environments fastest so many at a time. */
const maxParallel = 3;
/** Who deletes mostly waits. */
const maxParallelDeletes = 8;
const cloneTimeoutSeconds = 300;

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Makes the programs that a Product runs, unless they are up to date. */
export function bundlePrograms(): void {
  must(run(process.execPath, ["--disable-warning=ExperimentalWarning", join(projectRoot, "tools/bundle.ts")]));
}

/** Berth as a person has it: its CLI, ssh, and a home of its own below a temporary folder. */
export class Product {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;

  constructor(folder: string = mkdtempSync(join(tmpdir(), "berth-vm-"))) {
    this.folder = folder;
    this.env = { ...ownEnvironment(), BERTH_HOME: this.home, BERTH_SSH_CONFIG: join(folder, "ssh_config"), BERTH_INVOKED_FROM: folder };
  }

  get home(): string {
    return join(this.folder, "home");
  }

  /** Makes an environment, in the place of one of this name that an earlier run left. */
  create(source: string, name: string, ...args: readonly string[]): Outcome {
    if (this.berth("show", name).status === 0) must(this.berth("delete", name, "--force"));
    return this.berth("create", source, "--name", name, ...args);
  }

  /** Makes environments, several at a time, each in the place of one of its name; gives how each went. */
  async createAll(wanted: readonly Wanted[]): Promise<ReadonlyMap<string, Outcome>> {
    const names = this.names();
    const outcomes = new Map<string, Outcome>();
    await inParallel(wanted, async ({ name, source, args = [] }) => {
      if (names.includes(name)) must(await this.berthBeside("delete", name, "--force"));
      outcomes.set(name, await this.berthBeside("create", source, "--name", name, ...args));
    });
    return outcomes;
  }

  /** Makes working copies alone: each environment is stopped as soon as its own is complete. Gives the folders in the machine. */
  async cloneAll(wanted: readonly Wanted[]): Promise<ReadonlyMap<string, string>> {
    await this.deleteAll(wanted.map(({ name }) => name));
    const folders = new Map<string, string>();
    await inParallel(wanted, async ({ name, source }) => {
      must(await this.berthBeside("create", source, "--name", name, "--no-wait"));
      const { id } = JSON.parse(must(await this.berthBeside("show", name, "--json")).stdout) as { id: string };
      // Complete is what has its own name: before, it is called .partial.
      const find = `until ls -d /data/env/${id}/repo/* 2> /dev/null | grep -v '\\.partial$'; do sleep 0.2; done`;
      const found = must(await this.berthBeside("machine", "shell", "--", "timeout", String(cloneTimeoutSeconds), "sh", "-c", find));
      folders.set(name, found.stdout.trim());
      must(await this.berthBeside("stop", name));
    });
    return folders;
  }

  /** Deletes what there is of these environments, several at a time. */
  async deleteAll(names: readonly string[]): Promise<void> {
    const there = this.names();
    await inParallel(
      names.filter((name) => there.includes(name)),
      async (name) => void must(await this.berthBeside("delete", name, "--force")),
      maxParallelDeletes,
    );
  }

  names(): string[] {
    return must(this.berth("list", "--json"))
      .stdout.split("\n")
      .filter((line) => line !== "")
      .map((line) => (JSON.parse(line) as { name: string }).name);
  }

  /** As `berth`, while the test goes on. */
  async berthBeside(...args: readonly string[]): Promise<Outcome> {
    return outcomeOf(this.spawnBerth(...args));
  }

  /** As `ssh`, while the test goes on, which may be what is talked to. */
  async sshBeside(name: string, ...args: readonly string[]): Promise<Outcome> {
    const all = ["-F", join(this.folder, "ssh_config"), `${name}.berth`, ...args];
    return outcomeOf(spawn("ssh", all, { env: this.env, stdio: ["ignore", "pipe", "pipe"] }));
  }

  berth(...args: readonly string[]): Outcome {
    return this.berthWithInput("", ...args);
  }

  berthWithInput(input: string | Buffer, ...args: readonly string[]): Outcome {
    return run(process.execPath, [cli, ...args], { env: this.env, input });
  }

  /** What `npm start` does once all is set up, in the project's folder. */
  start(...args: readonly string[]): Outcome {
    const env = { ...this.env, BERTH_INVOKED_FROM: projectRoot };
    return run(process.execPath, [join(programs, "start.mjs"), ...args], { env, cwd: projectRoot });
  }

  /** For what goes on beside the test; the caller waits for its end. */
  spawnBerth(...args: readonly string[]) {
    return spawn(process.execPath, [cli, ...args], {
      env: this.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  ssh(name: string, ...args: readonly string[]): Outcome {
    return run("ssh", ["-F", join(this.folder, "ssh_config"), `${name}.berth`, ...args], { env: this.env, input: "" });
  }

  /** A command in the machine itself, as root. */
  machine(...argv: readonly string[]): Outcome {
    return this.berth("machine", "shell", "--", ...argv);
  }

  /** Copies a folder of this computer into the machine. */
  copyIntoMachine(from: string, to: string): void {
    const tar = spawnSync("tar", ["--create", "--file=-", "--directory", from, "."], { maxBuffer: maxOutputBytes });
    must(
      this.berthWithInput(
        tar.stdout,
        "machine",
        "shell",
        "--",
        "sh",
        "-c",
        'rm -rf "$1" && mkdir -p "$1" && tar -x --no-same-owner -C "$1"',
        "sh",
        to,
      ),
    );
  }

  show(name: string): Readonly<Record<string, unknown>> {
    return JSON.parse(must(this.berth("show", name, "--json")).stdout) as Readonly<Record<string, unknown>>;
  }

  hostLog(): string {
    return readText(join(this.home, "logs/host.log"));
  }

  /** What the machine and its hypervisor said. */
  console(): string {
    return ["console.log", "qemu.log"].map((name) => readText(join(this.home, "machines/default", name))).join("\n");
  }

  end(): void {
    this.berth("host", "stop");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Without what this computer's own network needs, which would be passed on to the machine. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const passedOn = /^((https?|no)_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE)$/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !passedOn.test(name)));
}

/** An environment to make. */
export interface Wanted {
  readonly name: string;
  readonly source: string;
  readonly args?: readonly string[];
}

/** Does something with every item, as many at a time as pays. */
export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>, atATime = maxParallel): Promise<void> {
  const waiting = [...items];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}

async function outcomeOf(child: ChildProcessByStdio<null, Readable, Readable>): Promise<Outcome> {
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) child[name].setEncoding("utf8").on("data", (text: string) => (output[name] += text));
  const timer = setTimeout(() => child.kill("SIGKILL"), commandTimeoutMs);
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  return { status, ...output };
}

/** The outcome, when it is a success. */
export function must(outcome: Outcome): Outcome {
  if (outcome.status !== 0) throw new Error(`ended with ${outcome.status}\n${outcome.stdout}\n${outcome.stderr}`);
  return outcome;
}

export function run(
  program: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string; readonly input?: string | Buffer } = {},
): Outcome {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: "utf8",
    timeout: commandTimeoutMs,
    maxBuffer: maxOutputBytes,
    ...options,
  });
  return {
    status: error === undefined ? status : (status ?? 1),
    stdout,
    stderr: error === undefined ? stderr : `${stderr}${error.message}`,
  };
}

/** The address of the servers' repositories, as the machine sees it. */
export const gitBase = "http://localhost:8417";

/** An environment in the machine that serves repositories and images to the others. */
export class Servers {
  readonly name = "servers";
  readonly #product: Product;

  constructor(product: Product) {
    this.#product = product;
  }

  start(): void {
    const folder = join(this.#product.folder, this.name);
    cpSync(join(import.meta.dirname, "servers"), folder, { recursive: true });
    cpSync("/usr/bin/docker-registry", join(folder, "docker-registry"), { dereference: true });
    must(this.#product.berth("create", folder, "--name", this.name));
  }

  /** Serves a folder as a repository with one commit, after `prepare` did its own to it, and gives its address. */
  publish(name: string, source: string | undefined, prepare?: (folder: string, git: (...args: readonly string[]) => void) => void): string {
    const folder = join(this.#product.folder, "git", name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    if (source !== undefined) cpSync(source, folder, { recursive: true });
    const git = (...args: readonly string[]): void =>
      void must(
        run("git", ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "protocol.file.allow=always", ...args], {
          cwd: folder,
        }),
      );
    git("init", "--quiet", "--initial-branch=main");
    git("add", "--all");
    git("commit", "--quiet", "--allow-empty", "--message", "First");
    prepare?.(folder, git);
    // Packing takes moments here and minutes in an emulated machine.
    git("repack", "--quiet", "-a", "-d");
    git("update-server-info");
    const tar = spawnSync("tar", ["--create", "--file=-", "--directory", join(folder, ".git"), "."], { maxBuffer: maxOutputBytes });
    const unpack =
      'rm -rf "/tmp/git/$1" && mkdir -p "/tmp/git/$1" && tar -x -C "/tmp/git/$1" && git -C "/tmp/git/$1" config core.bare true && git -C "/tmp/git/$1" config http.receivepack true && git -C "/tmp/git/$1" config uploadpack.allowAnySHA1InWant true';
    must(this.#product.berthWithInput(tar.stdout, "exec", this.name, "--", "sh", "-c", unpack, "sh", `${name}.git`));
    return `${gitBase}/${name}.git`;
  }

  requests(): string {
    return this.#product.berth("exec", this.name, "--", "cat", "/tmp/git-requests.log").stdout;
  }
}

function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}
