import { fromBinary } from "@bufbuild/protobuf";
import { BerthError } from "../contract/berth-error.ts";
import type { EnvironmentDetails, Machine, WatchEnvironment, WatchResponse } from "../contract/gen/berth/v1/host_pb.js";
import { type Environment, EnvironmentSchema } from "../contract/gen/gitpod/v1/environment_pb.js";
import type { HostClients } from "./connection.ts";

export interface EnvironmentView {
  readonly environment: Environment;
  readonly details: EnvironmentDetails | undefined;
}

/** What the host has told last. */
export interface HostState {
  readonly environments: ReadonlyMap<string, EnvironmentView>;
  /** The machine that environments share. */
  readonly machine: Machine | undefined;
  /** All machines by their ids. */
  readonly machines: ReadonlyMap<string, Machine>;
}

/** The machine that an environment is on; the shared one of an environment that is not known yet. */
export function machineOf({ environments, machines, machine }: HostState, environmentId: string): Machine | undefined {
  const id = environments.get(environmentId)?.details?.machineId ?? "";
  return id === "" ? machine : machines.get(id);
}

/** Follows WorkspaceService.Watch: everything the host knows, kept up to date without asking again. */
export class HostWatch {
  readonly #clients: Pick<HostClients, "workspaces">;
  readonly #end = new AbortController();
  readonly #signal: AbortSignal;
  readonly #environments = new Map<string, EnvironmentView>();
  readonly #machines = new Map<string, Machine>();
  #sequence = 0n;
  #events: AsyncIterator<WatchResponse> | undefined;

  private constructor(clients: Pick<HostClients, "workspaces">, signal: AbortSignal) {
    this.#clients = clients;
    this.#signal = AbortSignal.any([signal, this.#end.signal]);
  }

  /** Resolves with the first state. Fails with `host-not-running` when the host ends. */
  static async open(clients: Pick<HostClients, "workspaces">, signal: AbortSignal): Promise<HostWatch> {
    const watch = new HostWatch(clients, signal);
    await watch.#next();
    return watch;
  }

  get state(): HostState {
    const machine = [...this.#machines.values()].find(({ environmentId }) => environmentId === "");
    return { environments: this.#environments, machines: this.#machines, machine };
  }

  /** Looks at each state until `look` gives something. */
  async until<T>(look: (state: HostState) => T | undefined): Promise<T> {
    for (;;) {
      const found = look(this.state);
      if (found !== undefined) return found;
      await this.#next();
    }
  }

  close(): void {
    this.#end.abort();
  }

  async #next(): Promise<void> {
    for (;;) {
      this.#events ??= this.#clients.workspaces.watch({ fromSequence: 0n }, { signal: this.#signal })[Symbol.asyncIterator]();
      const next = await this.#read(this.#events);
      if (next.event.case !== "snapshot" && next.sequence !== this.#sequence + 1n) {
        // Something was missed; a new watch begins with a snapshot.
        await this.#events.return?.();
        this.#events = undefined;
        continue;
      }
      this.#sequence = next.sequence;
      this.#apply(next.event);
      return;
    }
  }

  async #read(events: AsyncIterator<WatchResponse>): Promise<WatchResponse> {
    try {
      const next = await events.next();
      if (next.done !== true) return next.value;
    } catch (error) {
      this.#signal.throwIfAborted();
      throw new BerthError("host-not-running", "it ended while this command waited for it", { cause: error });
    }
    this.#signal.throwIfAborted();
    throw new BerthError("host-not-running", "it ended while this command waited for it");
  }

  #apply(event: WatchResponse["event"]): void {
    switch (event.case) {
      case "snapshot":
        this.#environments.clear();
        for (const environment of event.value.environments) this.#put(environment);
        this.#machines.clear();
        for (const machine of event.value.machines) this.#machines.set(machine.id, machine);
        return;
      case "environment":
        return this.#put(event.value);
      case "removedEnvironmentId":
        this.#environments.delete(event.value);
        return;
      case "machine":
        this.#machines.set(event.value.id, event.value);
        return;
      case "removedMachineId":
        this.#machines.delete(event.value);
        return;
      case undefined:
        return;
    }
  }

  #put({ environment: bytes, details }: WatchEnvironment): void {
    const environment = fromBinary(EnvironmentSchema, bytes);
    this.#environments.set(environment.id, { environment, details });
  }
}
