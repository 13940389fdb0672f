import { connect, createServer, type Server, type Socket } from "node:net";

/** A way between two programs that can stop to carry anything while its connections stay, as a lost network does. */
export class StallingProxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #targets: readonly (number | string)[];
  #count = 0;
  #isStalled = false;
  readonly #held = new Set<Socket>();

  private constructor(targets: readonly (number | string)[]) {
    this.#targets = targets;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** Each connection goes to the next of the ports or sockets. */
  static async start(...targets: readonly (number | string)[]): Promise<StallingProxy> {
    const proxy = new StallingProxy(targets);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy has no port");
    return address.port;
  }

  /** Nothing arrives any more, and nobody is told. New connections are taken and lead nowhere. */
  stall(): void {
    this.#isStalled = true;
    this.stallOld();
  }

  /** The same for the connections that are there; new ones work. */
  stallOld(): void {
    for (const pair of this.#pairs) for (const socket of pair) this.#held.add(socket.pause());
  }

  /** What was held back arrives, late, also on connections that one side has given up. */
  resume(): void {
    this.#isStalled = false;
    for (const socket of this.#held) socket.resume();
    this.#held.clear();
  }

  async close(): Promise<void> {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    const place = this.#targets[this.#count++ % this.#targets.length] ?? 0;
    const target = typeof place === "string" ? connect(place) : connect(place, "127.0.0.1");
    const pair = [client, target] as const;
    for (const socket of pair) socket.setNoDelay();
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [target, client] as const]) {
      from.on("data", (chunk: Buffer) => to.write(chunk));
      from.on("end", () => to.end());
      from.on("error", () => undefined);
      from.on("close", () => {
        if (this.#held.has(to)) return;
        this.#pairs.delete(pair);
        to.destroySoon();
      });
      if (this.#isStalled) this.#held.add(from.pause());
    }
  }
}
