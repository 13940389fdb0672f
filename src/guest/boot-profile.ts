import { readFileSync } from "node:fs";
import { readLines } from "./health.ts";

export interface BootPhase {
  readonly name: string;
  /** Since the kernel began. */
  readonly endedAtMs: number;
}

/** When the parts of this boot ended, by the lines `name seconds` that the boot scripts write and what the agent adds. */
export class BootProfile {
  readonly #path: string;
  readonly #noted = new Map<string, number>();

  constructor(path: string) {
    this.#path = path;
  }

  /** Notes the end of a phase, the first time only: a service that is started again is no part of a boot. */
  note(name: string): void {
    if (!this.#noted.has(name)) this.#noted.set(name, Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000);
  }

  phases(): BootPhase[] {
    const ended = new Map<string, number>();
    for (const line of readLines(this.#path)) {
      const [name = "", seconds = ""] = line.split(" ");
      if (!ended.has(name)) ended.set(name, Number(seconds) * 1000);
    }
    for (const [name, endedAtMs] of this.#noted) ended.set(name, endedAtMs);
    return [...ended].map(([name, endedAtMs]) => ({ name, endedAtMs })).toSorted((a, b) => a.endedAtMs - b.endedAtMs);
  }
}
