import { connect, createServer, type Server, type Socket } from "node:net";

/** A way between two programs that can stop to carry anything while its connections stay, as a lost network does. */
export class StallingProxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #targetPort: number;
  #isStalled = false;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((client) => this.#accept(client));
  }

  static async start(targetPort: number): Promise<StallingProxy> {
    const proxy = new StallingProxy(targetPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy has no port");
    return address.port;
  }

  get connectionCount(): number {
    return this.#pairs.size;
  }

  /** Connections from now on go elsewhere. */
  retarget(port: number): void {
    this.#targetPort = port;
  }

  /** Nothing arrives any more, and nobody is told. New connections are taken and lead nowhere. */
  stall(): void {
    this.#isStalled = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  /** What was held back arrives, late, also on connections that one side has given up. */
  resume(): void {
    this.#isStalled = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  async close(): Promise<void> {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    const target = connect(this.#targetPort, "127.0.0.1");
    const pair = [client, target] as const;
    for (const socket of pair) socket.setNoDelay();
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [target, client] as const]) {
      from.on("data", (chunk: Buffer) => to.write(chunk));
      from.on("end", () => to.end());
      from.on("error", () => undefined);
      from.on("close", () => {
        if (this.#isStalled) return;
        this.#pairs.delete(pair);
        to.destroy();
      });
      if (this.#isStalled) from.pause();
    }
  }
}
