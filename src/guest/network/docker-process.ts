import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
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
  #restarting: Promise<boolean> | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: DockerProcessOptions) {
    this.#options = options;
  }

  /** False while it goes on with others, for the sake of what runs. */
  async want(env: Readonly<Record<string, string>>): Promise<boolean> {
    this.#wanted = env;
    const { envFile } = this.#options;
    await mkdir(dirname(envFile), { recursive: true, mode: 0o755 });
    const lines = Object.entries(env).map(([name, value]) => `export ${name}=${quoteForShell(value)}\n`);
    await writeFileAtomically(envFile, lines.join(""));
    return this.settle("");
  }

  /** Starts dockerd anew when that is due and nothing but a job of this environment would notice. True when nothing is due any more. */
  async settle(environmentId: string): Promise<boolean> {
    this.#restarting ??= this.#restartWhenDue(environmentId)
      .catch(() => false)
      .finally(() => (this.#restarting = undefined));
    const settled = await this.#restarting;
    clearTimeout(this.#retry);
    if (!settled) this.#retry = setTimeout(() => void this.settle(""), retryMs).unref();
    return settled;
  }

  async #restartWhenDue(environmentId: string): Promise<boolean> {
    const running = await this.#running();
    // One that starts later reads the file.
    if (running === undefined || this.#isWanted(running.env)) return true;
    const { docker, jobs } = this.#options;
    if (jobs.runningElsewhere(environmentId) || (await docker.version()) === undefined || (await docker.hasRunningExec())) return false;
    process.kill(running.pid, "SIGTERM");
    const isNew = async (): Promise<boolean> => {
      const now = await this.#running();
      return now !== undefined && now.pid !== running.pid && (await docker.version()) !== undefined;
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
