import { randomBytes } from "node:crypto";
import { BerthError } from "../../contract/berth-error.ts";
import { type Clock } from "../../lib/clock.ts";
import { maxTunnels, maxTunnelsPerPerson, maxTunnelsPerRunner, meetTimeoutMs } from "./limits.ts";
import { Tunnel } from "./tunnel.ts";

const ticketBytes = 32;

/** The tunnels of this process, and who they wait for. */
export class Tunnels {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, { readonly runnerId: string; readonly tunnel: Tunnel }>();
  readonly #counts = new Map<string, number>();
  readonly #open = new Set<Tunnel>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#open.size;
  }

  /**
   * A tunnel that waits for a runner, and what that has to bring, once and in time. Fails with `tunnel-limit`.
   * @param person Names who opens it.
   */
  begin(person: string, runnerId: string): { readonly tunnel: Tunnel; readonly ticket: string } {
    const keys = [`person ${person}`, `runner ${runnerId}`] as const;
    const counts = keys.map((key) => this.#counts.get(key) ?? 0);
    if ((counts[0] ?? 0) >= maxTunnelsPerPerson)
      throw new BerthError("tunnel-limit", `you have ${maxTunnelsPerPerson} open at this gateway`);
    if ((counts[1] ?? 0) >= maxTunnelsPerRunner)
      throw new BerthError("tunnel-limit", `the runner has ${maxTunnelsPerRunner} at this gateway`);
    if (this.#open.size >= maxTunnels) throw new BerthError("tunnel-limit", `the gateway has ${maxTunnels}`);
    const ticket = randomBytes(ticketBytes).toString("base64url");
    const tunnel = new Tunnel(this.#clock);
    this.#open.add(tunnel);
    for (const key of keys) this.#add(key, 1);
    this.#waiting.set(ticket, { runnerId, tunnel });
    const cancel = this.#clock.after(meetTimeoutMs, () => {
      if (this.#waiting.delete(ticket))
        tunnel.end(new BerthError("timeout", `the runner did not come within ${meetTimeoutMs / 1000} seconds`));
    });
    tunnel.ended.addEventListener("abort", () => {
      cancel();
      this.#waiting.delete(ticket);
      this.#open.delete(tunnel);
      for (const key of keys) this.#add(key, -1);
    });
    return { tunnel, ticket };
  }

  /** The tunnel that waits for this runner; nothing does for a ticket that is another's, was used, or is too old. */
  arrive(runnerId: string, ticket: string, sshHostPublicKey: string): Tunnel {
    const waiting = this.#waiting.get(ticket);
    // Another runner's attempt must not use it up.
    if (waiting?.runnerId !== runnerId) throw new BerthError("resource-not-found", "no tunnel waits for this");
    this.#waiting.delete(ticket);
    waiting.tunnel.arrive(sshHostPublicKey);
    return waiting.tunnel;
  }

  /** Ends all, because the process does. */
  close(): void {
    for (const tunnel of this.#open) tunnel.end(new BerthError("gateway-unreachable", "the gateway is shutting down"));
  }

  #add(key: string, change: 1 | -1): void {
    const count = (this.#counts.get(key) ?? 0) + change;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
  }
}
