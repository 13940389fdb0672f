import { ObservedDevcontainer_State } from "../contract/gen/berth/v1/agent_pb.js";
import type { Machines } from "../engine/machines.ts";
import { type Log, messageOf } from "../lib/log.ts";
import type { Plane } from "../plane/create-plane.ts";
import { dialStream } from "./dial.ts";
import { type Forward, PortForwarder, wantedForwards } from "./port-forwarder.ts";

export interface PortKeeperOptions {
  readonly plane: Plane;
  readonly machines: Machines;
  readonly log: Log;
  /** Called after what is forwarded may have changed. */
  readonly onChange: () => void;
}

/** Machines run on without a host; only this computer's side of each port follows them. */
export class PortKeeper {
  readonly #options: PortKeeperOptions;
  readonly #forwarders = new Map<string, PortForwarder>();
  #following: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(options: PortKeeperOptions) {
    this.#options = options;
  }

  forwards(environmentId: string): readonly Forward[] {
    return this.#forwarders.get(environmentId)?.forwards ?? [];
  }

  /** Makes forwards follow what is observed now; calls that come while it is at work count as one more. */
  follow(): void {
    if (this.#closed) return;
    this.#again = true;
    this.#following ??= this.#followAll()
      .catch((error: unknown) => this.#options.log.warn("ports were not followed", { reason: messageOf(error) }))
      .finally(() => {
        this.#following = undefined;
        if (this.#again) this.follow();
      });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#again = false;
    await this.#following;
    await Promise.all([...this.#forwarders.values()].map(async (forwarder) => forwarder.update([])));
  }

  async #followAll(): Promise<void> {
    this.#again = false;
    const { plane, machines } = this.#options;
    const ids = new Set((await plane.environmentStore.list()).map((e) => e.id));
    for (const id of ids) {
      const observed = machines.of(id).environment(id);
      const running = observed?.devcontainer?.state === ObservedDevcontainer_State.RUNNING;
      const forwarder = this.#forwarders.get(id) ?? this.#forwarderOf(id);
      await forwarder.update(running ? wantedForwards(observed.ports, observed.devcontainer?.forwardPorts ?? []) : []);
    }
    for (const [id, forwarder] of this.#forwarders) {
      if (ids.has(id)) continue;
      this.#forwarders.delete(id);
      await forwarder.update([]);
    }
    this.#options.onChange();
  }

  #forwarderOf(environmentId: string): PortForwarder {
    const { machines } = this.#options;
    const forwarder = new PortForwarder(async (host, port, signal) => {
      const machine = machines.of(environmentId);
      const target = { case: "port", value: { $typeName: "berth.v1.ContainerPort", environmentId, host, port } } as const;
      const stream = await dialStream(await machine.awake(signal), target);
      return stream.once("close", machine.uses.hold());
    });
    this.#forwarders.set(environmentId, forwarder);
    return forwarder;
  }
}
