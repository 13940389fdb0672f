import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type GitStateView, readGitState } from "./content/git-state.ts";
import { loadConfig } from "./devcontainer/config.ts";
import { findConfigs } from "./devcontainer/find-configs.ts";
import type { EnvironmentStates } from "./environment-state.ts";
import { ensureHostKey } from "./ssh.ts";

/** How long after a look the next one begins while nothing tells of a change. */
const lookPauseMs = 15_000;
/** A look at a large working copy takes long; this many times as long its disk is left to the person. */
const pausePerLook = 20;

export interface WorkingCopyView {
  /** Undefined while there is none, or when it is not a git repository. */
  readonly git: GitStateView | undefined;
  readonly configPaths: readonly string[];
  /** The container is as its configuration says now. */
  readonly inSync: boolean;
  readonly hostKey: string;
}

/** What git and the configuration say in every working copy; it is read, because nothing tells of its changes. */
export class WorkingCopies {
  readonly #states: EnvironmentStates;
  readonly #views = new Map<string, WorkingCopyView>();
  #turn: Promise<void> = Promise.resolve();

  constructor(states: EnvironmentStates) {
    this.#states = states;
  }

  /** As it was seen last. */
  view(id: string): WorkingCopyView | undefined {
    return this.#views.get(id);
  }

  forget(id: string): void {
    this.#views.delete(id);
  }

  /** Looks at these anew, one after the other, when the looks before have ended; never rejects. */
  async look(ids: readonly string[]): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      for (const id of ids) await this.#look(id);
    });
    return this.#turn;
  }

  /** Looks again and again at those that may be changing. */
  async watch(changing: () => readonly string[], onLooked: () => void, signal: AbortSignal): Promise<void> {
    for (let pauseMs = lookPauseMs; !signal.aborted;) {
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
      const startedAtMs = performance.now();
      await this.look(changing());
      pauseMs = Math.max(lookPauseMs, (performance.now() - startedAtMs) * pausePerLook);
      onLooked();
    }
  }

  async #look(id: string): Promise<void> {
    const state = this.#states.get(id);
    if (state === undefined) return;
    const { devcontainer } = state;
    const folder = this.#states.workingCopy(id);
    const ready = existsSync(folder);
    const wasConfigured = devcontainer !== undefined && devcontainer.configHash !== "";
    const hash =
      wasConfigured && devcontainer.configPath !== ""
        ? (await loadConfig(folder, devcontainer.configPath).catch(() => undefined))?.hash
        : undefined;
    this.#views.set(id, {
      git: ready ? await readGitState(folder).catch(() => undefined) : undefined,
      configPaths: ready ? await findConfigs(folder).catch(() => []) : [],
      inSync: !wasConfigured || hash === devcontainer.configHash,
      hostKey: await ensureHostKey(this.#states.folderOf(id)).catch(() => ""),
    });
  }
}
