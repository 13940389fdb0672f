import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeFileAtomically } from "../../lib/atomic-file.ts";
import { waitUntil } from "../../lib/wait-until.ts";
import { quoteForShell } from "../devcontainer/session-env.ts";
import type { DockerApi } from "../docker-api.ts";
import type { JobStore } from "../jobs/job-store.ts";

/** How often it is looked whether dockerd may be restarted now. */
const retryMs = 5000;
const restartTimeoutMs = 60_000;
const pollMs = 100;
/** Variables that dockerd is run with because of us; whatever else it has is none of ours. */
const ownVariables = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "BERTH_TRUST"];

export interface DockerProcessOptions {
  readonly docker: DockerApi;
  readonly jobs: Pick<JobStore, "runningElsewhere">;
  /** Read by run-dockerd. */
  readonly envFile: string;
  /** On the data disk, for the next boot. */
  readonly keptFolder: string;
  readonly pidFile: string;
}

/**
 * Makes dockerd run with the variables that are wanted. It reads them at its start alone, so it is started anew when
 * they differ from those that it has: containers run on meanwhile (live-restore), but builds and terminals would end,
 * so it waits for them.
 */
export class DockerProcess {
  readonly #options: DockerProcessOptions;
  #wanted: Readonly<Record<string, string>> = {};
  #settling: Promise<boolean> = Promise.resolve(true);
  #retry: NodeJS.Timeout | undefined;

  constructor(options: DockerProcessOptions) {
    this.#options = options;
  }

  /** False while it goes on with others, for the sake of what runs. */
  async want(env: Readonly<Record<string, string>>, extraPem: string): Promise<boolean> {
    const writing = this.#settling.then(async () => this.#write(env, extraPem));
    this.#settling = writing.then(
      () => false,
      () => false,
    );
    await writing;
    return this.settle("");
  }

  async #write(env: Readonly<Record<string, string>>, extraPem: string): Promise<void> {
    this.#wanted = env;
    const { envFile } = this.#options;
    await mkdir(dirname(envFile), { recursive: true, mode: 0o755 });
    await writeFileAtomically(envFile, exportsOf(env));
    // A disk that is full or read-only costs the next boot time, and nothing else.
    await this.#keep(env, extraPem).catch(() => undefined);
  }

  /** For recall-network. No password gets onto the disk: with one in it, nothing is kept of the proxies. */
  async #keep(env: Readonly<Record<string, string>>, extraPem: string): Promise<void> {
    const { keptFolder } = this.#options;
    const hasPassword = Object.values(env).some((value) => value.includes("@"));
    await mkdir(keptFolder, { recursive: true, mode: 0o755 });
    await keepFile(join(keptFolder, "ca-extra.pem"), extraPem);
    await keepFile(join(keptFolder, "dockerd.env"), hasPassword ? "" : exportsOf(env));
  }

  /** Starts dockerd anew when that is due and nothing but a job of this environment would notice. True when nothing is due any more. */
  async settle(environmentId: string): Promise<boolean> {
    this.#settling = this.#settling.then(async () => this.#restartWhenDue(environmentId)).catch(() => false);
    const settled = await this.#settling;
    clearTimeout(this.#retry);
    if (!settled) this.#retry = setTimeout(() => void this.settle(""), retryMs).unref();
    return settled;
  }

  async #restartWhenDue(environmentId: string): Promise<boolean> {
    const running = await this.#running();
    // One that starts later reads the file.
    if (running === undefined || this.#isWanted(running.env)) return true;
    const { docker, jobs } = this.#options;
    const answers = async (): Promise<boolean> => (await docker.version()) !== undefined;
    const limit = { intervalMs: pollMs, signal: AbortSignal.timeout(restartTimeoutMs) };
    // One that starts just now is not disturbed.
    if (jobs.runningElsewhere(environmentId) || !(await waitUntil(answers, limit)) || (await docker.hasRunningExec())) return false;
    process.kill(running.pid, "SIGTERM");
    const isNew = async (): Promise<boolean> => {
      const now = await this.#running();
      return now !== undefined && now.pid !== running.pid && (await answers());
    };
    return waitUntil(isNew, { intervalMs: pollMs, signal: AbortSignal.timeout(restartTimeoutMs) });
  }

  #isWanted(env: ReadonlyMap<string, string>): boolean {
    return ownVariables.every((name) => (env.get(name) ?? "") === (this.#wanted[name] ?? ""));
  }

  async #running(): Promise<{ readonly pid: number; readonly env: ReadonlyMap<string, string> } | undefined> {
    const { pidFile } = this.#options;
    const pid = Number(existsSync(pidFile) ? (await readFile(pidFile, "utf8").catch(() => "")).trim() : 0);
    if (!Number.isInteger(pid) || pid <= 1) return undefined;
    const name = (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim();
    if (name !== "dockerd") return undefined;
    const lines = (await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "")).split("\0");
    return { pid, env: new Map(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)])) };
  }
}

function exportsOf(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => `export ${name}=${quoteForShell(value)}\n`)
    .join("");
}

async function keepFile(path: string, content: string): Promise<void> {
  if (content !== (await readFile(path, "utf8").catch(() => ""))) await writeFileAtomically(path, content);
}
