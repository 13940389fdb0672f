import { type Client, createClient } from "@connectrpc/connect";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { BerthError } from "../contract/berth-error.ts";
import { AgentService, type HelloResponse, type ObservedEnvironment } from "../contract/gen/berth/v1/agent_pb.js";
import { type AgentConnection, connectAgent } from "../lib/agent-transport.ts";
import { type Log, messageOf } from "../lib/log.ts";
import type { MachineDriver, MachineSpec } from "../vm/driver.ts";

/** Under emulation a boot takes 10 s; a loaded computer may need much longer. */
const bootTimeoutMs = 180_000;
const connectRetryMs = 250;
const shutdownGraceMs = 60_000;

export type AgentClient = Client<typeof AgentService>;
export type MachineView = "off" | "busy" | "ready" | "failed";

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
  readonly #listeners = new Set<() => void>();
  readonly #stop = new AbortController();
  #connection: AgentConnection | undefined;
  #client: AgentClient | undefined;
  #hello: HelloResponse | undefined;
  #busy: Promise<void> | undefined;
  #failure: string | undefined;

  constructor(options: { readonly driver: MachineDriver; readonly id: string; readonly spec: () => Promise<MachineSpec>; readonly log: Log }) {
    this.#driver = options.driver;
    this.#spec = options.spec;
    this.#id = options.id;
    this.#log = options.log;
    options.driver.onChange(() => void this.#onDriverChange());
  }

  get view(): MachineView {
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

  /** The agent; fails with `machine-unreachable` while the machine is not ready. */
  agent(): AgentClient {
    if (this.#client === undefined) throw new BerthError("machine-unreachable", "the machine is not running");
    return this.#client;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Connects to a machine that runs already. */
  async adopt(): Promise<void> {
    const { state } = await this.#driver.inspect(this.#id);
    if (state === "running" || state === "paused") this.start();
  }

  /** Begins to start and connect, unless that is going on or done. */
  start(): void {
    if (this.#busy !== undefined || this.#client !== undefined) return;
    this.#failure = undefined;
    this.#busy = this.#bringUp()
      .catch((error: unknown) => {
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
  }

  /** Shuts the machine down: the agent is asked first, then the power button, then the plug. */
  async powerOff(signal: AbortSignal): Promise<void> {
    await this.#busy;
    await this.#client?.powerOff({}).catch(() => undefined);
    this.#disconnect();
    await this.#driver.shutdown(this.#id, { graceMs: shutdownGraceMs, signal });
    this.#announce();
  }

  /** Lets go of the machine, which runs on. */
  close(): void {
    this.#stop.abort();
    this.#disconnect();
  }

  async #bringUp(): Promise<void> {
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(bootTimeoutMs)]);
    const spec = await this.#spec();
    await this.#driver.create(spec, signal);
    await this.#driver.start(spec, signal);
    for (;;) {
      try {
        await this.#connect(signal);
        return;
      } catch (error) {
        if (signal.aborted) throw new BerthError("machine-boot-failed", `the agent did not answer: ${messageOf(error)}`, { cause: error });
        if ((await this.#driver.inspect(this.#id)).state === "off") throw new BerthError("machine-crashed", "the machine ended while it started", { cause: error });
        await new Promise<void>((resolve) => setTimeout(resolve, connectRetryMs));
      }
    }
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const { stream, linkKey } = await this.#driver.dialAgent(this.#id, signal);
    const connection = await connectAgent(stream, linkKey, signal);
    const client = createClient(AgentService, connection.transport);
    this.#hello = await client.hello({ protocol: 1 }, { signal });
    await client.setClock({ now: timestampFromMs(Date.now()) }, { signal });
    this.#connection = connection;
    this.#client = client;
    void connection.closed.then((reason) => this.#onClosed(connection, reason));
    const first = Promise.withResolvers<void>();
    void this.#watch(client, first.resolve);
    await first.promise;
    this.#announce();
  }

  async #watch(client: AgentClient, onFirst: () => void): Promise<void> {
    try {
      for await (const change of client.watchEnvironments({}, { signal: this.#stop.signal })) {
        for (const environment of change.environments) this.#environments.set(environment.environmentId, environment);
        for (const id of change.removedEnvironmentIds) this.#environments.delete(id);
        onFirst();
        this.#announce();
      }
    } catch (error) {
      this.#log.info("the watch of the machine ended", { reason: messageOf(error) });
    }
    onFirst();
    if (this.#client === client) this.#connection?.close();
  }

  #onClosed(connection: AgentConnection, reason: string): void {
    if (this.#connection !== connection) return;
    this.#log.warn("the connection to the machine ended", { reason });
    this.#disconnect();
    if (!this.#stop.signal.aborted) void this.adopt().finally(() => this.#announce());
  }

  async #onDriverChange(): Promise<void> {
    const { state } = await this.#driver.inspect(this.#id);
    if (state === "off" && this.#client !== undefined) this.#disconnect();
    this.#announce();
  }

  #disconnect(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#client = undefined;
    this.#environments.clear();
    connection?.close();
  }

  #announce(): void {
    for (const listener of this.#listeners) listener();
  }
}
