import { create } from "@bufbuild/protobuf";
import { setTimeout as delay } from "node:timers/promises";
import { createRunner, type Runner } from "../../src/bridge/runner/create-runner.ts";
import { BerthError } from "../../src/contract/berth-error.ts";
import { EnvironmentPhase, EnvironmentStatusSchema } from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { systemClock } from "../../src/lib/clock.ts";
import { silentLog } from "../../src/lib/log.ts";
import { newKeyPair } from "../../src/lib/sealed-box.ts";
import type { SeededRunner } from "./seed.ts";
import type { Latencies } from "./watcher.ts";

const tickMs = 20;
/** So that the computers of a fleet do not begin all at once. */
const startedPerSecond = 60;

interface Member {
  readonly seeded: SeededRunner;
  readonly runner: Runner;
}

/** Runners as computers run them, without an engine: what an engine would observe is made up. */
export class Fleet {
  readonly #members: Member[] = [];
  readonly #stop = new AbortController();
  /** The newest status of each environment, by its mark. */
  readonly written = new Map<string, string>();
  #count = 0;

  async start(seeded: readonly SeededRunner[], options: { readonly planeUrl: string; readonly ca: Buffer }): Promise<void> {
    const { planeUrl, ca } = options;
    const { signal } = this.#stop;
    for (const one of seeded) {
      const runner = createRunner({
        state: { planeUrl, keyPair: await newKeyPair(), accessToken: one.accessToken },
        cache: { load: async () => undefined, save: async () => undefined },
        classCache: { load: async () => [], save: async () => undefined },
        answers: { parseContextUrl: unanswered, checkAuthenticationForHost: unanswered, validateConfiguration: unanswered },
        dialSsh: unanswered,
        describe: async () => ({ environmentClasses: [], status: { version: "1" }, configurationSchema: { version: "1" } }),
        ...{ clock: systemClock, log: silentLog, random: Math.random, signal, http2: { ca } },
      });
      void runner.link.run(signal).catch(() => undefined);
      this.#members.push({ seeded: one, runner });
      await delay(1000 / startedPerSecond);
    }
  }

  get connectedCount(): number {
    return this.#members.filter(({ runner }) => runner.link.state.kind === "connected").length;
  }

  /** Statuses that the plane has not taken yet. */
  get pendingCount(): number {
    return this.#members.reduce((sum, { runner }) => sum + runner.pendingCount(), 0);
  }

  /** Changes the status of every environment once in each period, evenly spread, until the signal aborts. */
  async changeStatuses(periodMs: number, latencies: Latencies, signal: AbortSignal): Promise<void> {
    const all = this.#members.flatMap(({ seeded, runner }) => seeded.environmentIds.map((id) => ({ id, runner })));
    const beganMs = performance.now();
    let next = 0;
    while (!signal.aborted) {
      const due = ((performance.now() - beganMs) / periodMs) * all.length;
      for (; next < due; next++) {
        const one = all[next % all.length];
        if (one !== undefined) await this.#change(one.runner, one.id, latencies);
      }
      await delay(tickMs);
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  async #change(runner: Runner, id: string, latencies: Latencies): Promise<void> {
    if ((await runner.environmentStore.get(id)) === undefined) return;
    const mark = String(++this.#count);
    this.written.set(id, mark);
    latencies.written(id);
    await runner.environmentStore.writeStatus(
      id,
      create(EnvironmentStatusSchema, { phase: EnvironmentPhase.RUNNING, warningMessage: [mark] }),
    );
  }
}

async function unanswered(): Promise<never> {
  throw new BerthError("not-supported", "nobody is there");
}
