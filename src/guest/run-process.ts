import { type ChildProcess, spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import { setPriority } from "node:os";
import { workUserId, workUserName } from "./settings.ts";

/** How long a process may take to end after a polite signal. */
const terminateGraceMs = 5000;
/** The nice value of work that nobody waits for. */
const backgroundPriority = 10;
/** Output kept of a process whose output is asked for; the rest is dropped from the front. */
const maxCapturedBytes = 16 * 1024 * 1024;

export interface ProcessOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Runs as the work user with its groups, not as root. */
  readonly asWorkUser?: boolean;
  /** Runs as who owns the working copy in `cwd`, which is the work user or a user of its container. */
  readonly asOwner?: boolean;
  /** What a person runs goes first. */
  readonly inBackground?: boolean;
  readonly signal?: AbortSignal;
  readonly onOutput?: (chunk: Buffer, stream: "stdout" | "stderr") => void;
  readonly stdin?: string;
}

export interface ProcessResult {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

const basePath = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Runs a program in a process group of its own and gives its output and exit code. An aborted signal ends
 * the whole group and rejects with the signal's reason.
 */
export async function runProcess(argv: readonly string[], options: ProcessOptions = {}): Promise<ProcessResult> {
  options.signal?.throwIfAborted();
  const user = process.getuid?.() === 0 ? await userFor(options) : undefined;
  const [program = "", ...args] = [...(user?.prefix ?? []), ...argv];
  const home = user?.home ?? "/root";
  const child = spawn(program, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { PATH: basePath, HOME: home, LANG: "C.UTF-8", ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  if (options.inBackground === true && child.pid !== undefined) setPriority(child.pid, backgroundPriority);
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.stdin ?? "");
  return collect(child, options);
}

interface User {
  /** Before a command, to run it as this user. */
  readonly prefix: readonly string[];
  readonly home: string;
}

const workUser: User = {
  prefix: ["setpriv", `--reuid=${workUserName}`, `--regid=${workUserName}`, "--init-groups", "--"],
  home: `/home/${workUserName}`,
};

async function userFor({ asWorkUser, asOwner, cwd }: ProcessOptions): Promise<User | undefined> {
  if (asOwner !== true) return asWorkUser === true ? workUser : undefined;
  const { uid } = await stat(cwd ?? "/");
  // What is root's belongs to the container's root, which is nobody here.
  if (uid === 0 || uid === workUserId) return workUser;
  // A number of a container's user with no right of anybody here: not its group, which may be one of the machine.
  return { prefix: ["setpriv", `--reuid=${uid}`, `--regid=${workUserName}`, "--clear-groups", "--"], home: "/nonexistent" };
}

async function collect(child: ChildProcess, options: ProcessOptions): Promise<ProcessResult> {
  const captured = { stdout: new TailBuffer(), stderr: new TailBuffer() };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.on("data", (chunk: Buffer) => {
      captured[name].push(chunk);
      options.onOutput?.(chunk, name);
    });
  }
  const onAbort = (): void => endGroup(child);
  options.signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status, signal) => resolve(status ?? (signal === null ? 1 : 128)));
    });
    options.signal?.throwIfAborted();
    return { code, stdout: captured.stdout.bytes(), stderr: captured.stderr.bytes() };
  } finally {
    options.signal?.removeEventListener("abort", onAbort);
  }
}

/** Ends a process group politely, then by force. */
function endGroup(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  signalGroup(pid, "SIGTERM");
  const timer = setTimeout(() => signalGroup(pid, "SIGKILL"), terminateGraceMs);
  child.once("close", () => clearTimeout(timer));
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already.
  }
}

class TailBuffer {
  #chunks: Buffer[] = [];
  #size = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size > maxCapturedBytes) this.#size -= this.#chunks.shift()?.length ?? 0;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}
