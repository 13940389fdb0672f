import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ForwardPort, ListeningPort } from "../contract/gen/berth/v1/agent_pb.js";

/** Of one environment; more than programs have, and so few that an environment cannot take all of this computer's. */
const maxForwards = 100;
/** How many numbers above the wanted one are tried. */
const maxPortTries = 50;
const firstUnprivilegedPort = 1024;
const privilegedOffset = 10_000;
/** Computers without IPv6 answer so; they have no second address to listen on. */
const noIpv6Codes = new Set(["EADDRNOTAVAIL", "EAFNOSUPPORT", "EPROTONOSUPPORT"]);

export interface WantedForward {
  readonly containerHost: string;
  readonly containerPort: number;
  readonly processName: string;
  readonly label: string;
  readonly listening: boolean;
  /** "https" where the configuration says so. */
  readonly protocol: string;
  /** No other number will do. */
  readonly requireLocalPort: boolean;
}

export interface Forward extends WantedForward {
  /** 0 when it could not be offered. */
  readonly hostPort: number;
  readonly failureMessage: string;
}

interface Live {
  readonly servers: readonly Server[];
  readonly hostPort: number;
  readonly sockets: Set<Socket>;
}

/** The signal aborts when whoever connected has gone. */
export type Dial = (host: string, port: number, signal: AbortSignal) => Promise<Duplex>;

/** Offers the ports of one environment on this computer's loopback, for as long as they are wanted. */
export class PortForwarder {
  readonly #dial: Dial;
  readonly #live = new Map<string, Live>();
  #forwards: readonly Forward[] = [];
  #turn: Promise<void> = Promise.resolve();

  constructor(dial: Dial) {
    this.#dial = dial;
  }

  get forwards(): readonly Forward[] {
    return this.#forwards;
  }

  /** Makes what is offered follow what is wanted; calls are carried out one after the other. */
  async update(wanted: readonly WantedForward[]): Promise<void> {
    this.#turn = this.#turn.then(async () => this.#follow(wanted));
    return this.#turn;
  }

  async #follow(wanted: readonly WantedForward[]): Promise<void> {
    const offered = wanted.slice(0, maxForwards);
    const keys = new Set(offered.map(keyOf));
    for (const [key, live] of this.#live) {
      if (keys.has(key)) continue;
      this.#live.delete(key);
      for (const socket of live.sockets) socket.destroy();
      await Promise.all(live.servers.map(closed));
    }
    for (const forward of offered) if (!this.#live.has(keyOf(forward))) await this.#open(forward);
    this.#forwards = wanted.map((forward, index) => {
      const hostPort = this.#live.get(keyOf(forward))?.hostPort ?? 0;
      return { ...forward, hostPort, failureMessage: hostPort === 0 ? failureOf(forward, index) : "" };
    });
  }

  async #open(forward: WantedForward): Promise<void> {
    const { containerPort, requireLocalPort } = forward;
    const first = containerPort < firstUnprivilegedPort && !requireLocalPort ? containerPort + privilegedOffset : containerPort;
    const tries = requireLocalPort ? 1 : maxPortTries;
    for (let port = first; port < first + tries && port < 65_536; port++) {
      const sockets = new Set<Socket>();
      const servers = await listenOnLoopback(port, (socket) => this.#relay(socket, sockets, forward));
      if (servers === undefined) continue;
      this.#live.set(keyOf(forward), { servers, hostPort: port, sockets });
      return;
    }
  }

  #relay(socket: Socket, sockets: Set<Socket>, forward: WantedForward): void {
    sockets.add(socket);
    socket.on("error", () => undefined);
    const gone = new AbortController();
    socket.on("close", () => {
      sockets.delete(socket);
      gone.abort();
    });
    this.#dial(forward.containerHost, forward.containerPort, gone.signal).then(
      (stream) => {
        stream.on("error", () => socket.destroy());
        if (socket.destroyed) return void stream.destroy();
        socket.on("close", () => stream.destroy());
        // A stream that ended in order has ended the socket before; any other end is a broken connection.
        stream.on("close", () => (socket.writableEnded ? undefined : socket.destroy()));
        socket.pipe(stream);
        stream.pipe(socket);
      },
      () => socket.destroy(),
    );
  }
}

/** Servers on both loopback addresses, since programs take `localhost` for either; nothing when one is taken. */
async function listenOnLoopback(port: number, onConnection: (socket: Socket) => void): Promise<readonly Server[] | undefined> {
  const servers: Server[] = [];
  for (const address of ["127.0.0.1", "::1"]) {
    const server = createServer({ allowHalfOpen: true }, onConnection);
    const failure = await new Promise<string | undefined>((resolve) => {
      server
        .once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown"))
        .listen(port, address, () => resolve(undefined));
    });
    if (failure === undefined) servers.push(server);
    else if (address === "127.0.0.1" || !noIpv6Codes.has(failure)) {
      await Promise.all(servers.map(closed));
      return undefined;
    }
  }
  return servers;
}

async function closed(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

function failureOf(forward: WantedForward, index: number): string {
  if (index >= maxForwards) return `too-many-ports: ${maxForwards} other ports of this environment are forwarded already`;
  return forward.requireLocalPort
    ? `port-taken: ${forward.containerPort} is in use on this computer, and requireLocalPort allows no other`
    : `port-taken: no port near ${forward.containerPort} is free on this computer`;
}

function keyOf(forward: { readonly containerHost: string; readonly containerPort: number }): string {
  return `${forward.containerHost}:${forward.containerPort}`;
}

/** What shall be forwarded: what listens and is not ignored, and what the configuration always wants. */
export function wantedForwards(listening: readonly ListeningPort[], configured: readonly ForwardPort[]): WantedForward[] {
  const wanted = new Map<string, WantedForward>();
  const attributesOf = (port: number): ForwardPort | undefined => configured.find((c) => c.port === port && c.host === "localhost");
  for (const { port, processName } of listening) {
    const attributes = attributesOf(port);
    if (attributes?.onAutoForward === "ignore" && !attributes.alwaysForward) continue;
    wanted.set(`localhost:${port}`, {
      containerHost: "localhost",
      containerPort: port,
      processName,
      label: attributes?.label ?? "",
      listening: true,
      protocol: attributes?.protocol ?? "",
      requireLocalPort: attributes?.requireLocalPort ?? false,
    });
  }
  for (const { host, port, label, alwaysForward, protocol, requireLocalPort } of configured) {
    if (alwaysForward && !wanted.has(`${host}:${port}`))
      wanted.set(`${host}:${port}`, {
        containerHost: host,
        containerPort: port,
        processName: "",
        label,
        listening: host !== "localhost",
        protocol,
        requireLocalPort,
      });
  }
  return [...wanted.values()];
}
