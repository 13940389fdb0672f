import { createServer, type Server, type Socket } from "node:net";
import type { ForwardPort, ListeningPort } from "../contract/gen/berth/v1/agent_pb.js";
import type { Duplex } from "node:stream";

/** How many numbers above the wanted one are tried. */
const maxPortTries = 50;
const firstUnprivilegedPort = 1024;
const privilegedOffset = 10_000;

export interface Forward {
  readonly containerHost: string;
  readonly containerPort: number;
  readonly hostPort: number;
  readonly processName: string;
  readonly label: string;
  readonly listening: boolean;
}

interface Live {
  readonly server: Server;
  readonly hostPort: number;
  readonly sockets: Set<Socket>;
}

/** Offers the ports of one environment on this computer's loopback, for as long as they are wanted. */
export class PortForwarder {
  readonly #dial: (host: string, port: number) => Promise<Duplex>;
  readonly #live = new Map<string, Live>();
  #forwards: readonly Forward[] = [];
  #turn: Promise<void> = Promise.resolve();

  constructor(dial: (host: string, port: number) => Promise<Duplex>) {
    this.#dial = dial;
  }

  get forwards(): readonly Forward[] {
    return this.#forwards;
  }

  /** Makes what is offered follow what is wanted; calls are carried out one after the other. */
  async update(wanted: readonly Omit<Forward, "hostPort">[]): Promise<void> {
    this.#turn = this.#turn.then(async () => this.#follow(wanted));
    return this.#turn;
  }

  async #follow(wanted: readonly Omit<Forward, "hostPort">[]): Promise<void> {
    const keys = new Set(wanted.map(keyOf));
    for (const [key, live] of this.#live) {
      if (keys.has(key)) continue;
      this.#live.delete(key);
      live.server.close();
      for (const socket of live.sockets) socket.destroy();
    }
    for (const forward of wanted) if (!this.#live.has(keyOf(forward))) await this.#open(forward);
    this.#forwards = wanted.map((forward) => ({ ...forward, hostPort: this.#live.get(keyOf(forward))?.hostPort ?? 0 }));
  }

  async #open(forward: Omit<Forward, "hostPort">): Promise<void> {
    const first = forward.containerPort < firstUnprivilegedPort ? forward.containerPort + privilegedOffset : forward.containerPort;
    for (let port = first; port < first + maxPortTries && port < 65_536; port++) {
      const sockets = new Set<Socket>();
      const server = createServer({ allowHalfOpen: true }, (socket) => this.#relay(socket, sockets, forward));
      const bound = await new Promise<boolean>((resolve) => server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true)));
      if (!bound) continue;
      this.#live.set(keyOf(forward), { server, hostPort: port, sockets });
      return;
    }
  }

  #relay(socket: Socket, sockets: Set<Socket>, forward: Omit<Forward, "hostPort">): void {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    this.#dial(forward.containerHost, forward.containerPort).then(
      (stream) => {
        stream.on("error", () => socket.destroy());
        socket.on("close", () => stream.destroy());
        socket.pipe(stream);
        stream.pipe(socket);
      },
      () => socket.destroy(),
    );
  }
}

function keyOf(forward: { readonly containerHost: string; readonly containerPort: number }): string {
  return `${forward.containerHost}:${forward.containerPort}`;
}

/** What shall be forwarded: what listens and is not ignored, and what the configuration always wants. */
export function wantedForwards(listening: readonly ListeningPort[], configured: readonly ForwardPort[]): Omit<Forward, "hostPort">[] {
  const wanted = new Map<string, Omit<Forward, "hostPort">>();
  const attributesOf = (port: number): ForwardPort | undefined => configured.find((c) => c.port === port && c.host === "localhost");
  for (const { port, processName } of listening) {
    const attributes = attributesOf(port);
    if (attributes?.onAutoForward === "ignore" && !attributes.alwaysForward) continue;
    wanted.set(`localhost:${port}`, { containerHost: "localhost", containerPort: port, processName, label: attributes?.label ?? "", listening: true });
  }
  for (const { host, port, label, alwaysForward } of configured) {
    if (alwaysForward && !wanted.has(`${host}:${port}`)) wanted.set(`${host}:${port}`, { containerHost: host, containerPort: port, processName: "", label, listening: host !== "localhost" });
  }
  return [...wanted.values()];
}
