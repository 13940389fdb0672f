import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { berthPaths } from "../src/lib/paths.ts";
import { must, Product } from "../tests/vm/product.ts";
import type { BenchContext } from "./context.ts";
import { readProcessUsage } from "./process-usage.ts";
import { measurePairs, type Result, resultOf } from "./statistics.ts";

const defaultPairs = 3;
const bytes = 128 * 1024 ** 2;
const gib = 1024 ** 3;
const script = readFileSync(join(import.meta.dirname, "inside/network.mjs"), "utf8");
const pidFileSchema = z.object({ pid: z.number() });

/** What the machine's link costs: passt (ours) held against QEMU's slirp, to this computer's own address, emulated or not. */
export async function network({ pairs = defaultPairs, say }: BenchContext): Promise<Result[]> {
  const host = ownAddress();
  const server = await serve(host);
  const links = [new Link("passt"), new Link("slirp")] as const;
  try {
    say("starting a machine of each");
    for (const link of links) link.start();
    const [passt, slirp] = links;
    const measure = async (mode: "up" | "down" | "connect") => {
      say(mode);
      const run = (link: Link) => async (): Promise<number> => link.run(mode, host, portOf(server));
      return measurePairs(pairs, run(passt), run(slirp), say);
    };
    const perGib = (seconds: readonly number[]): number[] => seconds.map((s) => (s * gib) / bytes);
    const up = await measure("up");
    const down = await measure("down");
    const connect = await measure("connect");
    return [
      resultOf("network.up", "s/GiB", { ours: perGib(up.ours), baseline: perGib(up.baseline) }),
      resultOf("network.down", "s/GiB", { ours: perGib(down.ours), baseline: perGib(down.baseline) }),
      resultOf("network.cpu", "CPU s/GiB", { ours: perGib(passt.cpuSeconds), baseline: perGib(slirp.cpuSeconds) }),
      resultOf("network.connect", "ms", connect),
    ];
  } finally {
    for (const link of links) link.end();
    server.close();
  }
}

/** A machine of its own on one kind of link. */
class Link {
  readonly #product = new Product();
  /** Of QEMU and passt for each transfer. */
  readonly cpuSeconds: number[] = [];
  readonly #name: "passt" | "slirp";

  constructor(name: "passt" | "slirp") {
    this.#name = name;
    this.#product.env["BERTH_NETWORK"] = name;
  }

  start(): void {
    must(this.#product.berth("machine", "start"));
  }

  async run(mode: string, host: string, port: number): Promise<number> {
    const before = await this.#cpuSeconds();
    const node = ["node", "--input-type=module", "--eval", script, "--", mode, host, String(port), String(bytes)];
    const { stdout } = must(await this.#product.berthBeside("machine", "shell", "--", ...node));
    if (mode !== "connect") this.cpuSeconds.push((await this.#cpuSeconds()) - before);
    return Number(stdout);
  }

  end(): void {
    this.#product.end();
  }

  async #cpuSeconds(): Promise<number> {
    const folder = join(berthPaths(this.#product.env).machines, "default");
    const files = this.#name === "passt" ? ["qemu.json", "passt.json"] : ["qemu.json"];
    const pids = await Promise.all(
      files.map(async (file) => pidFileSchema.parse(JSON.parse(await readFile(join(folder, file), "utf8"))).pid),
    );
    return pids.reduce((sum, pid) => sum + readProcessUsage(pid).cpuSeconds, 0);
  }
}

function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const own = all.find(({ family, internal }) => family === "IPv4" && !internal)?.address;
  if (own === undefined) throw new Error("this computer has no address but the loopback's, which the machine does not reach");
  return own;
}

async function serve(host: string): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (first: Buffer) => {
      if (first.toString("latin1", 0, 5) === "down\n") void sendAll(socket);
      else socket.on("data", () => undefined).once("end", () => socket.end());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return server;
}

async function sendAll(socket: Socket): Promise<void> {
  const chunk = Buffer.alloc(256 * 1024);
  for (let sent = 0; sent < bytes; sent += chunk.length)
    if (!socket.write(chunk)) await new Promise<void>((resolve) => socket.once("drain", resolve).once("close", resolve));
  socket.end();
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server does not listen");
  return address.port;
}
