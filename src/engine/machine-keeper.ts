import { toBinary } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { BerthError } from "../contract/berth-error.ts";
import {
  AgentService,
  type HelloResponse,
  type ObservedEnvironment,
  ObservedEnvironmentSchema,
  type WatchEnvironmentsResponse,
} from "../contract/gen/berth/v1/agent_pb.js";
import { TerminalService } from "../contract/gen/berth/v1/terminal_pb.js";
import { type AgentConnection, connectAgent } from "../lib/agent-transport.ts";
import { type Log, messageOf } from "../lib/log.ts";
import type { MachineDriver, MachineSpec } from "../vm/driver.ts";
import { type NetworkSource, tellNetwork } from "./tell-network.ts";

/** Under emulation a boot takes 10 s; a loaded computer may need much longer. */
const bootTimeoutMs = 180_000;
const connectRetryMs = 250;
const shutdownGraceMs = 60_000;
const powerOffCallTimeoutMs = 5000;
/** git looks at every file, and those who asked before come first. */
const refreshTimeoutMs = 60_000;
/** A machine that stopped for want of space on the host is tried again after this. */
const resumeRetryMs = 10_000;
/** The guest's clock is set anew so often: a computer that slept wakes with its guests behind. */
const clockSyncIntervalMs = 60_000;
/** A machine that ends this often within the window is not started again by itself. */
const maxCrashes = 3;
const crashWindowMs = 10 * 60_000;
/** What the host remembers of a machine, which is not trusted: more than any real one has. */
const maxEnvironments = 512;
const maxEnvironmentBytes = 1024 ** 2;

export type AgentClient = Client<typeof AgentService>;
/** `paused`: the hypervisor stopped it because the host's disk is full; it goes on by itself. */
export type MachineView = "off" | "busy" | "paused" | "ready" | "failed";

/** Told the environments that changed, or `all` when the machine itself did. */
export type MachineListener = (environmentIds: readonly string[] | "all") => void;

export interface MachineKeeperOptions {
  readonly driver: MachineDriver;
  readonly id: string;
  /** What the machine shall be at its next start. */
  readonly spec: () => Promise<MachineSpec>;
  /** How the machine gets to the world; not told when not given. */
  readonly network?: NetworkSource;
  readonly log: Log;
  readonly now: () => number;
}

/**
 * Keeps one machine and the connection to its agent. It starts a machine when asked and adopts one that
 * an earlier host left running; what environments it holds comes from the agent's watch.
 */
export class MachineKeeper {
  readonly #driver: MachineDriver;
  readonly #spec: () => Promise<MachineSpec>;
  readonly #id: string;
  readonly #log: Log;
  readonly #environments = new Map<string, ObservedEnvironment>();
  readonly #listeners = new Set<MachineListener>();
  readonly #stop = new AbortController();
  #connection: AgentConnection | undefined;
  #client: AgentClient | undefined;
  #hello: HelloResponse | undefined;
  #busy: Promise<void> | undefined;
  #failure: string | undefined;
  #resuming: NodeJS.Timeout | undefined;
  #crashes: number[] = [];
  #poweringOff = false;
  /** It was ready since it was last seen off. */
  #wasReady = false;
  /** Ends a start that is going on when the machine is to be off. */
  #giveUpStart = new AbortController();
  readonly #now: () => number;
  readonly #network: MachineKeeperOptions["network"];

  constructor(options: MachineKeeperOptions) {
    this.#driver = options.driver;
    this.#spec = options.spec;
    this.#id = options.id;
    this.#log = options.log;
    this.#now = options.now;
    this.#network = options.network;
    options.driver.onChange(() => void this.#onDriverChange());
  }

  get view(): MachineView {
    if (this.#resuming !== undefined) return "paused";
    if (this.#client !== undefined) return "ready";
    if (this.#busy !== undefined) return "busy";
    return this.#failure === undefined ? "off" : "failed";
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  get hello(): HelloResponse | undefined {
    return this.#hello;
  }

  environment(id: string): ObservedEnvironment | undefined {
    return this.#environments.get(id);
  }

  /** Looks at environments of the machine anew, at git too; the watch tells it as well. Fails with `machine-unreachable`. */
  async refresh(ids: readonly string[], signal: AbortSignal): Promise<ObservedEnvironment[]> {
    const { environments } = await this.agent().observeEnvironments({ environmentIds: [...ids] }, { signal, timeoutMs: refreshTimeoutMs });
    return environments;
  }

  /** The agent; fails with `machine-unreachable` while the machine is not ready. */
  agent(): AgentClient {
    if (this.#client === undefined) throw new BerthError("machine-unreachable", "the machine is not running");
    return this.#client;
  }

  /** The agent's terminals; fails as `agent` does. */
  terminals(): Client<typeof TerminalService> {
    if (this.#connection === undefined || this.#client === undefined)
      throw new BerthError("machine-unreachable", "the machine is not running");
    return createClient(TerminalService, this.#connection.transport);
  }

  onChange(listener: MachineListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Connects to a machine that runs already. */
  async adopt(): Promise<void> {
    const { state, ...status } = await this.#driver.inspect(this.#id);
    if (state === "running" || state === "paused") this.#begin({ adopting: true });
    else this.#onOff("exit" in status ? (status.exit?.reason ?? "crashed") : "crashed");
  }

  /** Begins to start and connect, unless that is going on or done. */
  start(): void {
    this.#begin({ adopting: false });
  }

  #begin({ adopting }: { readonly adopting: boolean }): void {
    if (this.#busy !== undefined || this.#client !== undefined || this.#poweringOff) return;
    this.#failure = undefined;
    this.#giveUpStart = new AbortController();
    this.#busy = this.#bringUp()
      .catch((error: unknown) => {
        if (this.#giveUpStart.signal.aborted) return;
        if (error instanceof BerthError && error.code === "machine-crashed") return this.#onCrashedStart(adopting);
        this.#failure = error instanceof BerthError ? `${error.code}: ${error.detail}` : `machine-boot-failed: ${messageOf(error)}`;
        this.#log.error("the machine did not become ready", { reason: this.#failure });
      })
      .finally(() => {
        this.#busy = undefined;
        this.#announce();
      });
    this.#announce();
  }

  /** Forgets a failure, so that the next wish starts the machine again. */
  clearFailure(): void {
    this.#failure = undefined;
    this.#crashes = [];
  }

  /** Shuts the machine down: the agent is asked first, then the power button, then the plug. */
  async powerOff(signal: AbortSignal): Promise<void> {
    await this.#keepOff(async () => this.#switchOff(signal));
  }

  /** Shuts the machine down and removes its disk with everything on it; the next start makes a new one. */
  async reset(signal: AbortSignal): Promise<void> {
    await this.#keepOff(async () => {
      await this.#switchOff(signal);
      await this.#driver.remove(this.#id);
      this.clearFailure();
      this.#hello = undefined;
    });
  }

  /** Nothing starts the machine until the work is done. */
  async #keepOff(work: () => Promise<void>): Promise<void> {
    this.#poweringOff = true;
    try {
      await work();
    } finally {
      this.#poweringOff = false;
      this.#announce();
    }
  }

  async #switchOff(signal: AbortSignal): Promise<void> {
    this.#giveUpStart.abort(new Error("the machine is shut down"));
    await this.#busy;
    await this.#client?.powerOff({}, { timeoutMs: powerOffCallTimeoutMs }).catch(() => undefined);
    this.#disconnect();
    await this.#driver.shutdown(this.#id, { graceMs: shutdownGraceMs, signal });
  }

  /** Lets go of the machine, which runs on. */
  close(): void {
    this.#stop.abort();
    clearTimeout(this.#resuming);
    this.#resuming = undefined;
    this.#disconnect();
  }

  /** Sets the machine's clock now, e.g. because the computer woke. */
  setClock(): void {
    this.#client
      ?.setClock({ now: timestampFromMs(this.#now()) })
      .catch((error: unknown) => this.#log.info("the clock was not set", { reason: messageOf(error) }));
  }

  /** Tells the machine anew how to get to the world, e.g. because a setting or the name servers changed. */
  setNetwork(): void {
    if (this.#client !== undefined) void tellNetwork(this.#client, this.#network, this.#log, this.#stop.signal);
  }

  async #bringUp(): Promise<void> {
    const signal = AbortSignal.any([this.#stop.signal, this.#giveUpStart.signal, AbortSignal.timeout(bootTimeoutMs)]);
    const spec = await this.#spec();
    await this.#driver.create(spec, signal);
    await this.#driver.start(spec, signal);
    for (;;) {
      try {
        await this.#connect(signal);
        return;
      } catch (error) {
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
    const { stream, linkKey } = await this.#driver.dialAgent(this.#id, signal);
    const connection = await connectAgent(stream, linkKey, signal);
    const client = createClient(AgentService, connection.transport);
    const first = Promise.withResolvers<void>();
    // An agent that says nothing costs no more than the time of a boot.
    const onAbort = (): void => connection.close();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      this.#hello = await client.hello({ protocol: 1 }, { signal });
      await client.setClock({ now: timestampFromMs(this.#now()) }, { signal });
      await tellNetwork(client, this.#network, this.#log, signal);
      this.#connection = connection;
      this.#keepClock(connection);
      void connection.closed.then((reason) => this.#onClosed(connection, reason));
      void this.#watch(connection, client, first.resolve);
      await first.promise;
      if (this.#connection !== connection) throw new Error("the connection ended before the machine told its environments");
      // Only now: an environment that a ready machine does not know counts as gone.
      this.#client = client;
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
    try {
      for await (const change of client.watchEnvironments({}, { signal: this.#stop.signal })) {
        if (this.#connection !== connection) break;
        this.#keepChange(change);
        onFirst();
        this.#announce([...change.environments.map((e) => e.environmentId), ...change.removedEnvironmentIds]);
      }
    } catch (error) {
      this.#log.info("the watch of the machine ended", { reason: messageOf(error) });
    }
    connection.close();
    await connection.closed;
    onFirst();
  }

  #keepChange(change: WatchEnvironmentsResponse): void {
    for (const environment of change.environments) {
      const size = toBinary(ObservedEnvironmentSchema, environment).length;
      if (size > maxEnvironmentBytes) throw new Error(`the machine tells ${size} bytes of one environment`);
      this.#environments.set(environment.environmentId, environment);
    }
    for (const id of change.removedEnvironmentIds) this.#environments.delete(id);
    if (this.#environments.size > maxEnvironments) throw new Error(`the machine tells of more than ${maxEnvironments} environments`);
  }

  #onClosed(connection: AgentConnection, reason: string): void {
    if (this.#connection !== connection) return;
    this.#log.warn("the connection to the machine ended", { reason });
    this.#disconnect();
    if (!this.#stop.signal.aborted) void this.adopt().finally(() => this.#announce());
  }

  /** A guest's clock stands still while its computer sleeps. */
  #keepClock(connection: AgentConnection): void {
    const timer = setInterval(() => this.setClock(), clockSyncIntervalMs);
    timer.unref();
    void connection.closed.then(() => clearInterval(timer));
  }

  async #onDriverChange(): Promise<void> {
    const status = await this.#driver.inspect(this.#id);
    if (status.state === "paused" && status.reason === "host-disk-full") this.#resumeLater();
    else if (this.#resuming !== undefined) {
      clearTimeout(this.#resuming);
      this.#resuming = undefined;
      if (status.state === "running" && this.#client === undefined) this.start();
    }
    if (status.state === "off") this.#onOff(status.exit?.reason ?? "crashed");
    this.#announce();
  }

  /** A machine that ends while it starts is started again as one that ends later is; one to adopt had been up before. */
  #onCrashedStart(adopting: boolean): void {
    this.#log.warn("the machine ended while it started");
    if (adopting) this.#onOff("crashed");
    else this.#noteCrash();
  }

  /** Tells a crash from an end that was asked for; a machine that crashes again and again is left off. */
  #onOff(reason: string): void {
    // The connection's end may have been noticed before the machine's.
    const wasReady = this.#wasReady;
    this.#wasReady = false;
    if (this.#client !== undefined) this.#disconnect();
    if (wasReady && !this.#poweringOff && reason !== "shutdown") this.#noteCrash();
  }

  #noteCrash(): void {
    const now = this.#now();
    this.#crashes = [...this.#crashes.filter((at) => now - at < crashWindowMs), now];
    if (this.#crashes.length >= maxCrashes)
      this.#failure = `machine-crashed: it ended ${this.#crashes.length} times within ${crashWindowMs / 60_000} minutes`;
  }

  #resumeLater(): void {
    if (this.#resuming !== undefined || this.#stop.signal.aborted) return;
    this.#log.warn("the machine is paused because the disk of this computer is full");
    this.#resuming = setInterval(() => {
      this.#driver
        .resume(this.#id)
        .catch((error: unknown) => this.#log.info("the machine was not continued", { reason: messageOf(error) }));
    }, resumeRetryMs);
    this.#resuming.unref();
  }

  #disconnect(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#client = undefined;
    this.#environments.clear();
    connection?.close();
  }

  #announce(environmentIds: readonly string[] | "all" = "all"): void {
    for (const listener of this.#listeners) listener(environmentIds);
  }
}
