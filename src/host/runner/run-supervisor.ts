import { readdir, readlink, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { type Clock, pause } from "../../lib/clock.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { replaceLink } from "./carry-out-setup.ts";
import type { FoundUpdate } from "./find-update.ts";
import { restoreUpgradedStore } from "./restore-store.ts";
import type { RunnerConfig } from "./runner-config.ts";
import { RunnerChild } from "./runner-child.ts";
import type { RunnerPaths } from "./runner-paths.ts";
import type { ServiceManager } from "./service-manager.ts";
import { checkIntervalMs, failedCheckIntervalMs, planUpdate, type UpdateStep } from "./update-plan.ts";
import { readUpdateState, type UpdateState, writeUpdateState } from "./update-state.ts";

const firstRestartMs = 1000;
const maxRestartMs = 30_000;
/** A process that ran for so long was good: after its end the next one is started at once. */
const steadyAfterMs = 60_000;
/** What a clock that jumps, or a timer's longest delay, would make us miss. */
const maxWaitMs = 3600_000;

export interface SupervisorOptions {
  readonly paths: RunnerPaths;
  readonly config: RunnerConfig;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly log: Log;
  readonly manager: ServiceManager;
  /** Finds a version that is newer than this one and unpacks it below `versions`; undefined where there is none. */
  readonly findUpdate: (current: string, signal: AbortSignal) => Promise<FoundUpdate | undefined>;
  /** Told after each step that lasts. */
  readonly onStep: (step: UpdateStep["kind"]) => void;
}

/**
 * Keeps a runner's process running, and brings it to newer versions. It is of a version that proved itself, so that a
 * broken one can be taken back whatever is broken in it. Machines are touched by neither.
 */
export class RunnerSupervisor {
  readonly #options: SupervisorOptions;
  #child: RunnerChild | undefined;
  #wake = new AbortController();
  #isAsked = false;
  /** A look for a newer version, which takes as long as a download. */
  #checking: Promise<void> | undefined;
  /** What ended the supervisor while it waited for something else. */
  #failure: { readonly error: unknown } | undefined;
  #isOver = false;
  #restartMs = firstRestartMs;
  /** What the service manager knows to be running. */
  #toldVersion: string | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Until the signal aborts, or a call ended the runner. */
  async run(signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const whole = AbortSignal.any([signal, ended.signal]);
    // The clock's timers alone would not: while no runner runs there is nothing else to wait for.
    const keepingAlive = setInterval(() => undefined, maxWaitMs);
    await this.#options.manager.notify("--ready");
    const watchdog = this.#feedWatchdog(ended.signal);
    try {
      while (!signal.aborted && !this.#isOver) await this.#turn(whole);
    } finally {
      ended.abort();
      await this.#options.manager.notify("STOPPING=1");
      await this.#child?.end();
      await this.#checking;
      await watchdog;
      clearInterval(keepingAlive);
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { paths, config, clock } = this.#options;
    if (this.#failure !== undefined) throw this.#failure.error;
    // What changes from here on ends the wait at once.
    this.#wake = new AbortController();
    const good = await this.#versionAt(paths.good);
    const step = planUpdate({
      nowMs: clock.nowMs(),
      state: await readUpdateState(paths.updateState),
      good,
      current: await this.#versionAt(paths.current),
      child: this.#child?.view,
      isAsked: this.#isAsked,
      isChecking: this.#checking !== undefined,
      hasFeed: config.update.feed !== undefined,
      window: config.update.window,
    });
    if (step.kind === "check") return this.#beginCheck(good, signal);
    if (step.kind !== "wait") {
      await this.#carryOut(step);
      return this.#options.onStep(step.kind);
    }
    await pause(clock, Math.min(maxWaitMs, step.untilMs - clock.nowMs()), AbortSignal.any([signal, this.#wake.signal]));
  }

  async #carryOut(step: Exclude<UpdateStep, { readonly kind: "wait" | "check" }>): Promise<void> {
    const { paths, log } = this.#options;
    switch (step.kind) {
      case "note":
        if (step.state.kind === "rolled-back") await this.#undoTrial(step.state.checkedAtMs);
        await writeUpdateState(paths.updateState, step.state);
        log.info("an update", { ...step.state });
        if (step.state.kind === "idle") await this.#removeOldVersions();
        return;
      case "link-current":
        return replaceLink(paths.current, join("versions", step.version));
      case "link-good":
        return replaceLink(paths.good, join("versions", step.version));
      case "start":
        return this.#start(step.version, false);
      case "try":
        await writeUpdateState(paths.updateState, step.state);
        return this.#start(step.state.version, step.state.needsLink);
    }
  }

  async #start(version: string, needsLink: boolean): Promise<void> {
    const { paths, env, clock, log, manager } = this.#options;
    const before = this.#child;
    await before?.end();
    // One that ended again soon after its start is started less and less often.
    const ran = before === undefined ? 0 : clock.nowMs() - before.view.startedAtMs;
    this.#restartMs =
      before?.view.version !== version || ran >= steadyAfterMs ? firstRestartMs : Math.min(maxRestartMs, this.#restartMs * 2);
    log.info("the runner is started", { version });
    this.#child = new RunnerChild({
      version,
      folder: join(paths.versions, version),
      env,
      clock,
      log,
      needsLink,
      restartMs: this.#restartMs,
      onChange: () => {
        this.#wake.abort();
        if (this.#toldVersion === version || this.#child?.view.healthySinceMs === undefined) return;
        this.#toldVersion = version;
        void manager.notify(`--status=version ${version}`);
      },
      onUpdateNow: () => {
        this.#isAsked = true;
        this.#wake.abort();
      },
      onEndedByCall: () => {
        this.#isOver = true;
        this.#wake.abort();
      },
    });
  }

  /** The runner is kept running meanwhile, and nothing else writes how far an update is. */
  #beginCheck(good: string, signal: AbortSignal): void {
    const check = async (): Promise<void> => {
      try {
        await this.#check(good, signal);
        this.#options.onStep("check");
      } catch (error) {
        if (!signal.aborted) this.#failure = { error };
      }
      this.#checking = undefined;
      this.#wake.abort();
    };
    this.#checking = check();
  }

  async #check(good: string, signal: AbortSignal): Promise<void> {
    const { paths, clock, log, findUpdate } = this.#options;
    const before = await readUpdateState(paths.updateState);
    const checkedAtMs = clock.nowMs();
    try {
      const found = await findUpdate(good, signal);
      // Whoever asked while it was under way gets its answer too.
      await writeUpdateState(paths.updateState, this.#stateAfter(before, found, { checkedAtMs, asked: this.#isAsked }));
    } catch (error) {
      signal.throwIfAborted();
      log.warn("no newer version was had", { reason: messageOf(error) });
      const retryAtMs = checkedAtMs - checkIntervalMs + failedCheckIntervalMs;
      const message = messageOf(error);
      await writeUpdateState(
        paths.updateState,
        before.kind === "rolled-back" ? { ...before, checkedAtMs: retryAtMs } : { kind: "idle", checkedAtMs: retryAtMs, message },
      );
    }
    this.#isAsked = false;
    this.#child?.tell({ kind: "checked" });
  }

  #stateAfter(
    before: UpdateState,
    found: FoundUpdate | undefined,
    { checkedAtMs, asked }: { checkedAtMs: number; asked: boolean },
  ): UpdateState {
    if (found === undefined) return { kind: "idle", checkedAtMs, message: "this is the newest version" };
    // What did not become healthy once is tried again only when a person says so.
    if (before.kind === "rolled-back" && before.version === found.version && !asked) return { ...before, checkedAtMs };
    return { kind: "trying", checkedAtMs, version: found.version, tries: 0, needsLink: this.#child?.isLinked ?? false };
  }

  /** What a version that is given up changed goes with it. */
  async #undoTrial(sinceMs: number): Promise<void> {
    const { paths, log } = this.#options;
    await this.#child?.end();
    const restored = await restoreUpgradedStore(join(paths.home, "store"), sinceMs);
    if (restored.length > 0) log.warn("databases are as they were before the trial", { restored });
  }

  /** All but the good one and what is tried. */
  async #removeOldVersions(): Promise<void> {
    const { paths, log } = this.#options;
    const good = await this.#versionAt(paths.good);
    for (const name of await readdir(paths.versions))
      if (name !== good) {
        log.info("an old version is removed", { version: name });
        await rm(join(paths.versions, name), { recursive: true, force: true });
      }
  }

  async #versionAt(link: string): Promise<string> {
    // A link that is missing, e.g. in a folder that was copied, is made again from the other one.
    const other = link === this.#options.paths.good ? this.#options.paths.current : this.#options.paths.good;
    return basename(await readlink(link).catch(async () => readlink(other)));
  }

  async #feedWatchdog(signal: AbortSignal): Promise<void> {
    const { manager, clock } = this.#options;
    if (manager.watchdogMs === undefined) return;
    while (!signal.aborted) {
      await manager.notify("WATCHDOG=1");
      await pause(clock, manager.watchdogMs / 3, signal);
    }
  }
}
