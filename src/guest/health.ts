import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { isMountedReadOnly } from "./mounts.ts";
import { setTimeout as delay } from "node:timers/promises";

/** What goes wrong is told within two of these; more often would keep an idle machine at work. */
const lookIntervalMs = 5000;
/** dockerd's first start takes this long under emulation; later ones are told at once. */
const dockerStartMs = 120_000;
/** Below this share of the disk builds begin to fail. */
const littleFreeShare = 0.05;

export interface HealthOptions {
  readonly dataFolder: string;
  /** Sentences of what went wrong while the machine started. */
  readonly bootWarnings: () => readonly string[];
  readonly dockerAnswers: () => boolean;
  readonly now: () => number;
}

/** What is wrong with the machine as a whole, in sentences that begin with a code where the host knows one. */
export class MachineHealth {
  readonly #options: HealthOptions;
  readonly #listeners = new Set<() => void>();
  readonly #startedAtMs: number;
  #dockerAnswered = false;
  #warnings: readonly string[] = [];

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#startedAtMs = options.now();
  }

  get warnings(): readonly string[] {
    return this.#warnings;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Looks until the signal aborts. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look();
      await delay(lookIntervalMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** One look; public, so that a test need not wait for the next. */
  async look(): Promise<void> {
    const { bootWarnings } = this.#options;
    const found = [...bootWarnings(), ...(await this.#dataDisk(bootWarnings().length > 0)), ...this.#docker()];
    if (found.join("\n") === this.#warnings.join("\n")) return;
    this.#warnings = found;
    for (const listener of this.#listeners) listener();
  }

  async #dataDisk(toldAtBoot: boolean): Promise<string[]> {
    const { dataFolder } = this.#options;
    if (!toldAtBoot && isMountedReadOnly(readFileSync("/proc/mounts", "utf8"), dataFolder))
      return ["The data disk took an error and is read-only. What was written before is safe; restart the machine, which checks the disk."];
    const { bavail, blocks } = await statfs(dataFolder);
    return bavail < blocks * littleFreeShare ? ["data-disk-full: less than a twentieth of the machine's disk is free"] : [];
  }

  #docker(): string[] {
    if (this.#options.dockerAnswers()) this.#dockerAnswered = true;
    else if (this.#dockerAnswered || this.#options.now() - this.#startedAtMs > dockerStartMs)
      return ["Docker does not answer; it is started again. Containers that run are not touched."];
    return [];
  }
}

/** The lines of a file, or none. */
export function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  } catch {
    return [];
  }
}
