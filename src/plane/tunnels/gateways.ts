import { create } from "@bufbuild/protobuf";
import { type Gateway, GatewaySchema } from "../../contract/gen/gitpod/v1/gateway_pb.js";
import { GatewayRecordSchema } from "../../contract/gen/berth/v1/records_pb.js";
import type { Clock } from "../../lib/clock.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { gatewayKind } from "../runner-store/kinds.ts";
import type { Store, View } from "../store/store.ts";
import { presenceIntervalMs, presenceTtlMs } from "./limits.ts";

/** A server process as a gateway: what it is called, and where it, and no other process, is reached. */
export interface GatewayAddress {
  readonly name: string;
  readonly url: string;
  readonly region: string;
}

/** Which gateways there are, as each of them says. */
export class Gateways {
  readonly #view: View;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(options: { readonly store: Store; readonly clock: Clock; readonly log: Log }) {
    this.#view = options.store.system("runners");
    this.#clock = options.clock;
    this.#log = options.log;
  }

  /** Those that are there, by name. */
  async live(): Promise<Gateway[]> {
    const nowMs = this.#clock.nowMs();
    const all = await this.#view.all(gatewayKind);
    return all.flatMap(({ message: { gateway, expiresAtMs } }) => (gateway === undefined || Number(expiresAtMs) <= nowMs ? [] : gateway));
  }

  /** Says again and again that a process is a gateway, until the signal aborts; then that it is none any more. */
  keep(gateway: GatewayAddress, processId: string, signal: AbortSignal): void {
    let saying: Promise<void> = Promise.resolve();
    let cancel = (): void => undefined;
    const say = (): void => {
      saying = this.#say(gateway, processId).catch((error: unknown) =>
        this.#log.warn("the gateway is not listed", { gateway: gateway.name, reason: messageOf(error) }),
      );
      void saying.then(() => signal.aborted || (cancel = this.#clock.after(presenceIntervalMs, say)));
    };
    say();
    const end = (): void => {
      cancel();
      void saying
        .then(async () => this.#forget(gateway.name, processId))
        .catch((error: unknown) => this.#log.info("the gateway stays listed for a while", { reason: messageOf(error) }));
    };
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  }

  async #say({ name, url, region }: GatewayAddress, processId: string): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const record = create(GatewayRecordSchema, {
      gateway: create(GatewaySchema, { name, url, region }),
      processId,
      expiresAtMs: BigInt(nowMs + presenceTtlMs),
    });
    const other = await this.#view.transaction(
      async (tx) => {
        const stored = await tx.get(gatewayKind, name);
        if (stored === undefined) tx.insert(gatewayKind, name, record);
        else tx.update(gatewayKind, stored, record);
        return stored !== undefined && stored.message.processId !== processId && Number(stored.message.expiresAtMs) > nowMs;
      },
      { isObserved: true },
    );
    // One that was killed is listed for a moment; two at once take turns, and of two tunnels one would go astray.
    if (other) this.#log.warn("another process was this gateway; each needs a name and an address of its own", { gateway: name });
  }

  async #forget(name: string, processId: string): Promise<void> {
    await this.#view.transaction(async (tx) => {
      const stored = await tx.get(gatewayKind, name);
      if (stored?.message.processId === processId) tx.delete(gatewayKind, stored);
    });
  }
}
