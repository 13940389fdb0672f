import { type Client, createClient } from "@connectrpc/connect";
import { BerthError } from "../contract/berth-error.ts";
import { type HelloResponse, type ObservedEnvironment } from "../contract/gen/berth/v1/agent_pb.js";
import { TerminalService } from "../contract/gen/berth/v1/terminal_pb.js";
import type { AgentConnection } from "../lib/agent-transport.ts";
import { type Log, messageOf } from "../lib/log.ts";
import type { MachineDriver } from "../vm/driver.ts";
import { bootJudged, endsBoot, judged } from "./boot-judge.ts";
import { CrashCount } from "./crash-count.ts";
import { keepGuestClock, setGuestClock, trySetGuestClock } from "./guest-clock.ts";
import { MachineUses } from "./machine-uses.ts";
import type { AgentClient, MachineKeeperOptions, MachineListener, MachineView } from "./machine-view.ts";
import { ObservedEnvironments } from "./observed-environments.ts";
import { ResumeRetry } from "./resume-retry.ts";
import { settleDisk } from "./settle-disk.ts";
import { dialMachine, startMachine } from "./start-machine.ts";
import { tellFolders } from "./tell-folders.ts";
import { tellNetwork } from "./tell-network.ts";
import { wake } from "./wake.ts";

/** Under emulation a boot takes 10 s; a loaded computer may need much longer. */
const bootTimeoutMs = 180_000;
const connectRetryMs = 250;
const shutdownGraceMs = 60_000;
const powerOffCallTimeoutMs = 5000;
/** git looks at every file, and those who asked before come first. */
const refreshTimeoutMs = 60_000;

/**
 * Keeps one machine and the connection to its agent. It starts a machine when asked and adopts one that
 * an earlier host left running; what environments it holds comes from the agent's watch.
 */
export class MachineKeeper {
  readonly #driver: MachineDriver;
  readonly #options: MachineKeeperOptions;
  readonly #id: string;
  readonly #log: Log;
  readonly #environments = new ObservedEnvironments();
  readonly #listeners = new Set<MachineListener>();
  readonly #stop = new AbortController();
  #connection: AgentConnection | undefined;
  #client: AgentClient | undefined;
  #hello: HelloResponse | undefined;
  #busy: Promise<void> | undefined;
  #failure: string | undefined;
  /** Settles when the machine, which is being shut down or suspended, is. */
  #goingDown: Promise<void> | undefined;
  /** It was ready since it was last seen off. */
  #wasReady = false;
  /** Suspended; what was observed last still holds. */
  #asleep = false;
  /** Ends a start that is going on when the machine is to be off. */
  #giveUpStart = new AbortController();
  readonly #now: () => number;
  readonly uses: MachineUses;
  readonly #crashes: CrashCount;
  readonly #resuming: ResumeRetry;

  constructor(options: MachineKeeperOptions) {
    this.#driver = options.driver;
    this.#options = options;
    this.#id = options.id;
    this.#log = options.log;
    this.#now = options.now;
    this.#crashes = new CrashCount(options.now);
    this.uses = new MachineUses(options.now);
    this.#resuming = new ResumeRetry(async () => this.#driver.resume(this.#id), options.log);
    const unsubscribe = options.driver.onChange((id) => void (id === this.#id && this.#onDriverChange()));
    this.#stop.signal.addEventListener("abort", unsubscribe, { once: true });
  }

  get view(): MachineView {
    if (this.#resuming.isActive) return "paused";
    if (this.#client !== undefined) return "ready";
    if (this.#asleep) return "asleep";
    if (this.#busy !== undefined) return "busy";
    return this.#failure === undefined ? "off" : "failed";
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  /** A suspended machine is on its way back. */
  get waking(): boolean {
    return this.#asleep && this.#busy !== undefined;
  }

  get hello(): HelloResponse | undefined {
    return this.#hello;
  }

  /** What is wrong inside the machine, in its own words, which are not trusted. */
  get warnings(): readonly string[] {
    return this.#environments.warnings;
  }

  environment(id: string): ObservedEnvironment | undefined {
    return this.#environments.get(id);
  }

  /** Looks at environments of the machine anew, at git too; the watch tells it as well. Fails with `machine-unreachable`. */
  async refresh(ids: readonly string[], signal: AbortSignal): Promise<ObservedEnvironment[]> {
    return (await this.agent().observeEnvironments({ environmentIds: [...ids] }, { signal, timeoutMs: refreshTimeoutMs })).environments;
  }

  /** The agent; fails with `machine-unreachable` while the machine is not ready. */
  agent(): AgentClient {
    if (this.#client === undefined) throw new BerthError("machine-unreachable", "the machine is not running");
    return this.#client;
  }

  /** The agent, after waking a suspended machine. Fails with `machine-unreachable` when it is off or does not wake. */
  async awake(signal: AbortSignal): Promise<AgentClient> {
    this.uses.note();
    await wake(this, signal);
    return this.agent();
  }

  /** The agent's terminals; fails as `agent` does. */
  terminals(): Client<typeof TerminalService> {
    this.agent();
    if (this.#connection === undefined) throw new BerthError("machine-unreachable", "the machine is not running");
    return createClient(TerminalService, this.#connection.transport);
  }

  onChange(listener: MachineListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Connects to a machine that runs already. */
  async adopt(): Promise<void> {
    const { state, ...status } = await this.#driver.inspect(this.#id);
    if (state === "running" || state === "paused") return this.#begin({ adopting: true });
    this.#asleep = "suspended" in status && status.suspended !== undefined;
    if (!this.#asleep) this.#onOff("exit" in status ? (status.exit?.reason ?? "crashed") : "crashed");
  }

  /** Begins to start and connect, unless that is going on or done. */
  start(): void {
    this.#begin({ adopting: false });
  }

  #begin({ adopting }: { readonly adopting: boolean }): void {
    if (this.#busy !== undefined || this.#client !== undefined || this.#goingDown !== undefined) return;
    this.#failure = undefined;
    this.#giveUpStart = new AbortController();
    this.#busy = this.#bringUp()
      .catch((error: unknown) => {
        this.#sleepEnds();
        if (this.#giveUpStart.signal.aborted) return;
        if (error instanceof BerthError && error.code === "machine-crashed") return this.#onCrashedStart(adopting);
        this.#failure = error instanceof BerthError ? `${error.code}: ${error.detail}` : `machine-boot-failed: ${messageOf(error)}`;
        this.#log.error("the machine did not become ready", { reason: this.#failure });
      })
      .finally(() => (this.#busy = undefined))
      .finally(() => this.#announce());
    this.#announce();
  }

  /** Forgets a failure, so that the next wish starts the machine again. */
  clearFailure(): void {
    this.#failure = undefined;
    this.#crashes.clear();
  }

  /** Shuts the machine down: the agent is asked first, then the power button, then the plug. A suspended one wakes for that. */
  async powerOff(signal: AbortSignal): Promise<void> {
    await wake(this, signal).catch(() => undefined);
    await this.#keepOff(async () => this.#switchOff(signal));
  }

  /**
   * Suspends the machine with everything that runs in it; `awake` brings it back. Does nothing unless it is ready.
   * Fails with `suspend-failed` or `host-disk-full`, or when the signal aborts, and then it runs on.
   */
  async suspend(signal: AbortSignal): Promise<void> {
    if (this.#client === undefined) return;
    await this.#keepOff(async () => {
      await settleDisk(this.#client, signal);
      this.#asleep = true;
      this.#wasReady = false;
      this.#disconnect();
      await this.#driver.suspend(this.#id, { signal });
    }).catch((error: unknown) => {
      this.#begin({ adopting: true });
      throw error;
    });
  }

  /** Suspends the machine where its driver can, else shuts it down; also where nothing runs on it and a new image is to be booted. */
  async rest(signal: AbortSignal, { nothingRuns }: { readonly nothingRuns: boolean }): Promise<void> {
    if (this.#asleep) return;
    const bootsNext = nothingRuns && (await this.#options.judge?.isNewOffered()) === true;
    if (this.#driver.features.suspend && this.#client !== undefined && !bootsNext) {
      try {
        return await this.suspend(signal);
      } catch (error) {
        this.#log.warn("the machine was not suspended and is shut down", { reason: messageOf(error) });
        await this.#busy;
      }
    }
    await this.powerOff(signal);
  }

  /** Switches the machine off, whose disk goes, so that it need not end in order; the next start makes a new one. */
  async reset(signal: AbortSignal): Promise<void> {
    await this.#keepOff(async () => {
      await this.#switchOff(signal, 0);
      await this.#driver.remove(this.#id);
      this.#sleepEnds();
      this.clearFailure();
      this.#hello = undefined;
    });
  }

  /** Nothing starts the machine until the work is done. */
  async #keepOff(work: () => Promise<void>): Promise<void> {
    await this.#goingDown;
    const done = Promise.withResolvers<void>();
    this.#goingDown = done.promise;
    try {
      await work();
    } finally {
      this.#goingDown = undefined;
      done.resolve();
      this.#announce();
    }
  }

  async #switchOff(signal: AbortSignal, graceMs = shutdownGraceMs): Promise<void> {
    this.#giveUpStart.abort(new Error("the machine is shut down"));
    await this.#busy;
    await this.#client?.powerOff({}, { timeoutMs: powerOffCallTimeoutMs }).catch(() => undefined);
    this.#disconnect();
    await this.#driver.shutdown(this.#id, { graceMs, signal });
  }

  /** Nothing holds any more of what was observed before it slept. */
  #sleepEnds(): void {
    if (!this.#asleep) return;
    this.#asleep = false;
    this.#environments.clear();
  }

  /** Gives a machine that runs a larger disk, where its driver can. False: it gets that at its next boot. */
  async growDisk(dataDiskLimitBytes: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#driver.features.diskGrowsOnline || this.#client === undefined) return false;
    await this.#driver.create({ ...(await this.#options.spec(signal)), dataDiskLimitBytes }, signal);
    await this.#client.growDisk({}, { signal });
    return true;
  }

  /** Lets go of the machine, which runs on. */
  close(): void {
    this.#stop.abort();
    this.#resuming.stop();
    this.#disconnect();
  }

  /** Sets the machine's clock now, e.g. because the computer woke. */
  setClock(): void {
    if (this.#client !== undefined) trySetGuestClock({ client: this.#client, now: this.#now, log: this.#log });
  }

  /** Tells the machine anew how to get to the world, e.g. because a setting or the name servers changed. */
  setNetwork(): void {
    if (this.#client !== undefined) void tellNetwork(this.#client, this.#options.network, this.#log, this.#stop.signal);
  }

  /** Tells the machine anew which folders of this computer it is to have, of those that it was started with. */
  async setFolders(): Promise<void> {
    if (this.#client !== undefined) await tellFolders(this.#client, this.#options.folders, this.#log, this.#stop.signal);
  }

  async #bringUp(): Promise<void> {
    const givenUp = AbortSignal.any([this.#stop.signal, this.#giveUpStart.signal]);
    await bootJudged(this.#options.judge, givenUp, async () => this.#boot(givenUp));
  }

  async #boot(givenUp: AbortSignal): Promise<void> {
    const spec = await this.#options.spec(givenUp);
    const signal = AbortSignal.any([givenUp, AbortSignal.timeout(bootTimeoutMs)]);
    await startMachine(this.#options, spec, signal);
    for (;;) {
      try {
        return await this.#connect(signal);
      } catch (error) {
        if (endsBoot(error)) throw error;
        const { state } = await this.#driver.inspect(this.#id);
        // A paused machine is told as such and continued from #onDriverChange; its boot is not what is late.
        if (state === "paused") return;
        if (signal.aborted) throw new BerthError("machine-boot-failed", `the agent did not answer: ${messageOf(error)}`, { cause: error });
        if (state === "off") throw new BerthError("machine-crashed", "the machine ended while it started", { cause: error });
        await new Promise<void>((resolve) => setTimeout(resolve, connectRetryMs));
      }
    }
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const { connection, client } = await dialMachine(this.#driver, this.#id, signal);
    const first = Promise.withResolvers<void>();
    // An agent that says nothing costs no more than the time of a boot.
    const onAbort = (): void => connection.close();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      this.#hello = await judged(this.#options.judge, await client.hello({ protocol: 1 }, { signal }));
      await setGuestClock(client, this.#now(), signal);
      await tellNetwork(client, this.#options.network, this.#log, signal);
      await tellFolders(client, this.#options.folders, this.#log, signal);
      this.#connection = connection;
      keepGuestClock({ client, now: this.#now, log: this.#log, ended: connection.closed });
      void connection.closed.then((reason) => this.#onClosed(connection, reason));
      void this.#watch(connection, client, first.resolve);
      await first.promise;
      if (this.#connection !== connection) throw new Error("the connection ended before the machine told its environments");
      // Only now: an environment that a ready machine does not know counts as gone.
      this.#client = client;
      this.#asleep = false;
      this.#wasReady = true;
    } catch (error) {
      connection.close();
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
    this.#announce();
  }

  async #watch(connection: AgentConnection, client: AgentClient, onFirst: () => void): Promise<void> {
    let first = true;
    try {
      for await (const change of client.watchEnvironments({}, { signal: this.#stop.signal })) {
        if (this.#connection !== connection) break;
        // The first one tells all, and what was known before may be of an earlier boot.
        if (first) this.#environments.clear();
        first = false;
        const warningsChanged = this.#environments.keep(change);
        onFirst();
        this.#announce(warningsChanged ? "all" : [...change.environments.map((e) => e.environmentId), ...change.removedEnvironmentIds]);
      }
    } catch (error) {
      this.#log.info("the watch of the machine ended", { reason: messageOf(error) });
    }
    connection.close();
    await connection.closed;
    onFirst();
  }

  #onClosed(connection: AgentConnection, reason: string): void {
    if (this.#connection !== connection) return;
    this.#log.warn("the connection to the machine ended", { reason });
    this.#disconnect();
    if (this.#stop.signal.aborted) return;
    void this.adopt()
      .catch((error: unknown) => this.#log.warn("the machine was not looked at", { reason: messageOf(error) }))
      .finally(() => this.#announce());
  }

  async #onDriverChange(): Promise<void> {
    const status = await this.#driver.inspect(this.#id);
    if (status.state === "paused" && status.reason === "host-disk-full") {
      if (!this.#stop.signal.aborted) this.#resuming.begin();
    } else if (this.#resuming.isActive) {
      this.#resuming.stop();
      if (status.state === "running" && this.#client === undefined) this.start();
    }
    if (status.state === "off" && !this.#asleep) this.#onOff(status.exit?.reason ?? "crashed");
    this.#announce();
  }

  /** A machine that ends while it starts is started again as one that ends later is; one to adopt had been up before. */
  #onCrashedStart(adopting: boolean): void {
    this.#log.warn("the machine ended while it started");
    if (adopting) this.#onOff("crashed");
    else this.#failure = this.#crashes.note();
  }

  /** Tells a crash from an end that was asked for; a machine that crashes again and again is left off. */
  #onOff(reason: string): void {
    // The connection's end may have been noticed before the machine's.
    const wasReady = this.#wasReady;
    this.#wasReady = false;
    if (this.#client !== undefined) this.#disconnect();
    if (wasReady && this.#goingDown === undefined && reason !== "shutdown") this.#failure = this.#crashes.note();
  }

  #disconnect(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#client = undefined;
    if (!this.#asleep) this.#environments.clear();
    connection?.close();
  }

  #announce(environmentIds: readonly string[] | "all" = "all"): void {
    for (const listener of this.#listeners) listener(environmentIds);
  }
}
