import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { waitUntil } from "../../lib/wait-until.ts";
import { passtArguments } from "./arguments.ts";
import { arpAnswer, arpReplyTo, arpRequest, tcpSyn } from "./hostile-frames.ts";

/** Where a guest that is its own root may find this computer's loopback: the link's gateway, and addresses that no link has. */
const loopbackAddresses = ["10.0.2.2", "127.0.0.1", "0.0.0.0"] as const;
/** QEMU's slirp has them all: libslirp can keep guests from the loopback, but QEMU has no option for it. */
export const holesInSlirp: readonly string[] = loopbackAddresses;
const gateway = "10.0.2.2";
const firstPort = 40_000;
/** What gets through is there at once. */
const connectTimeoutMs = 1500;
const startTimeoutMs = 10_000;
const pollMs = 20;
const lengthBytes = 4;
const maxFrameBytes = 70_000;

/**
 * The addresses by which a guest that sends what it likes gets through passt to what listens on this computer's
 * loopback; tried out, because passt's releases differ. Fails when passt does not start.
 */
export async function holesInPasst(passt: string, runFolder: string, signal: AbortSignal): Promise<string[]> {
  const folder = mkdtempSync(join(runFolder, "w"));
  const socketPath = join(folder, "n");
  const pidFile = join(folder, "p");
  const child = spawn(passt, passtArguments(socketPath, pidFile), { stdio: "ignore", env: {} });
  let failed = false;
  child.once("error", () => (failed = true));
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(startTimeoutMs)]);
    const ready = (): boolean => existsSync(pidFile) && statSync(pidFile).size > 0;
    await waitUntil(() => failed || child.exitCode !== null || ready(), { intervalMs: pollMs, signal: limit });
    if (!ready()) throw new Error("passt does not start");
    return await holesInLink(socketPath, signal);
  } finally {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The same of whatever serves QEMU's stream of frames on a socket. Fails when nobody answers there. */
export async function holesInLink(socketPath: string, signal: AbortSignal): Promise<string[]> {
  const reached = new Set<string>();
  const servers = await Promise.all(loopbackAddresses.map(async (address) => listen(() => reached.add(address))));
  const socket = connect(socketPath);
  try {
    const mac = await gatewayOf(socket, signal);
    servers.forEach((server, index) => {
      send(socket, tcpSyn(mac, loopbackAddresses[index] ?? gateway, portOf(server), firstPort + index));
    });
    const limit = AbortSignal.any([signal, AbortSignal.timeout(connectTimeoutMs)]);
    await waitUntil(() => reached.size === loopbackAddresses.length, { intervalMs: pollMs, signal: limit });
    signal.throwIfAborted();
    return loopbackAddresses.filter((address) => reached.has(address));
  } finally {
    socket.destroy();
    for (const server of servers) server.close();
  }
}

async function listen(onConnection: () => void): Promise<Server> {
  const server = createServer((socket) => {
    onConnection();
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server does not listen");
  return address.port;
}

async function gatewayOf(socket: Socket, signal: AbortSignal): Promise<Buffer> {
  let mac: Buffer | undefined;
  let rest = Buffer.alloc(0);
  socket.on("error", () => undefined);
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]).subarray(-maxFrameBytes);
    while (rest.length >= lengthBytes && rest.length >= lengthBytes + rest.readUInt32BE(0)) {
      const end = lengthBytes + rest.readUInt32BE(0);
      const received = rest.subarray(lengthBytes, end);
      rest = rest.subarray(end);
      mac ??= arpAnswer(received);
      const reply = arpReplyTo(received);
      if (reply !== undefined) send(socket, reply);
    }
  });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(startTimeoutMs)]);
  await waitUntil(
    () => {
      if (mac === undefined) send(socket, arpRequest(gateway));
      return mac !== undefined || socket.destroyed;
    },
    { intervalMs: pollMs, signal: limit },
  );
  if (mac === undefined) throw new Error("nobody answers on the link");
  return mac;
}

function send(socket: Socket, sent: Buffer): void {
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(sent.length);
  if (!socket.destroyed) socket.write(Buffer.concat([length, sent]));
}
