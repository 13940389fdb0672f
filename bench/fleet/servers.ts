import { readFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { type DatabaseFlags, PlaneProcess } from "../../tests/integration/server/plane-process.ts";
import { HaProxy } from "../../tests/support/haproxy.ts";
import { readProcessUsage } from "../process-usage.ts";
import { type CertificateFiles, makeCertificate } from "../../tests/support/certificate.ts";

const inspectorLimitMs = 20_000;

/** The server processes of an installation, and a balancer before them that gives connections to each in turn. */
export class Servers {
  readonly ca: Buffer;
  /** Certificate and key of all of them. */
  readonly tls: CertificateFiles;
  readonly #flags: readonly string[];
  readonly #database: DatabaseFlags;
  readonly #processes: PlaneProcess[];
  readonly #balancer: Server;
  readonly #proxy: HaProxy | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #down = new Set<number>();
  #turn = 0;

  private constructor(options: {
    readonly ca: Buffer;
    readonly tls: Servers["tls"];
    readonly flags: readonly string[];
    readonly database: DatabaseFlags;
    readonly processes: PlaneProcess[];
    readonly proxy: HaProxy | undefined;
  }) {
    this.ca = options.ca;
    this.tls = options.tls;
    this.#flags = options.flags;
    this.#database = options.database;
    this.#processes = options.processes;
    this.#proxy = options.proxy;
    this.#balancer = createServer((socket) => this.#give(socket));
  }

  static async start(options: {
    readonly database: DatabaseFlags;
    readonly folder: string;
    readonly count: number;
    readonly isProxied: boolean;
  }): Promise<Servers> {
    const { database, folder, count, isProxied } = options;
    const tls = makeCertificate(folder);
    const flags = [
      ...(isProxied ? [] : ["--tls-cert", tls.certFile, "--tls-key", tls.keyFile]),
      "--log-level",
      "info",
      "--drain-limit-seconds",
      "2",
    ];
    const processes: PlaneProcess[] = [];
    const ca = readFileSync(tls.certFile);
    try {
      for (let n = 0; n < count; n++) processes.push(await PlaneProcess.start(database, ...flags));
      const proxy = isProxied ? await HaProxy.start({ folder, tls, ports: processes.map(({ port }) => port) }) : undefined;
      const servers = new Servers({ ca, tls, flags, database, processes, proxy });
      await new Promise<void>((resolve) => servers.#balancer.listen(0, "127.0.0.1", resolve));
      return servers;
    } catch (error) {
      await Promise.all(processes.map(async (process) => process.stop()));
      throw error;
    }
  }

  get count(): number {
    return this.#processes.length;
  }

  /** Of what is before them. */
  get url(): string {
    if (this.#proxy !== undefined) return this.#proxy.url;
    const address = this.#balancer.address();
    return `https://127.0.0.1:${address === null || typeof address === "string" ? 0 : address.port}`;
  }

  urlOf(index: number): string {
    return `${this.#proxy === undefined ? "https" : "http"}://127.0.0.1:${this.#processes[index]?.port ?? 0}`;
  }

  /** What all processes have in memory, without garbage and the room for new objects, which is as big however many runners there are. */
  async residentBytes(): Promise<number> {
    let bytes = 0;
    for (const process of this.#processes) bytes -= await collectGarbage(process);
    return this.#processes.reduce((sum, { pid }) => sum + readProcessUsage(pid).residentBytes, bytes);
  }

  cpuSeconds(): number {
    return this.#processes.reduce((sum, { pid }) => sum + readProcessUsage(pid).cpuSeconds, 0);
  }

  /** Kills one, as the kernel does when memory runs out, and starts it again at the same address. */
  async killAndStart(index: number): Promise<void> {
    const killed = this.#processes[index];
    if (killed === undefined) return;
    this.#down.add(index);
    killed.signal("SIGKILL");
    await killed.ended();
    this.#processes[index] = await PlaneProcess.start(this.#database, ...this.#flags, "--listen", `127.0.0.1:${killed.port}`);
    this.#down.delete(index);
  }

  async stop(): Promise<void> {
    this.#balancer.close();
    this.#proxy?.stop();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#processes.map(async (process) => process.stop()));
  }

  #give(socket: Socket): void {
    for (let tries = 0; tries < this.#processes.length; tries++) {
      const index = this.#turn++ % this.#processes.length;
      if (this.#down.has(index)) continue;
      const server = connect(this.#processes[index]?.port ?? 0, "127.0.0.1");
      for (const [one, other] of [
        [socket, server],
        [server, socket],
      ] as const) {
        this.#sockets.add(one);
        one.setNoDelay(true);
        one.on("error", () => other.destroy());
        one.on("close", () => {
          this.#sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
      return;
    }
    socket.destroy();
  }
}

/** What V8 tells of itself. */
const youngBytes = `process.getBuiltinModule("node:v8").getHeapSpaceStatistics()
  .filter(({ space_name: name }) => name.startsWith("new_")).reduce((sum, space) => sum + space.physical_space_size, 0)`;
const evaluated = z.object({ result: z.object({ result: z.object({ value: z.number() }) }) });

/**
 * Through the inspector, which a signal opens: what garbage takes would hide what connections do.
 * @returns How many bytes its young generation has in memory.
 */
async function collectGarbage(server: PlaneProcess): Promise<number> {
  server.signal("SIGUSR1");
  const address = /Debugger listening on (ws:\S+)/;
  const endMs = performance.now() + inspectorLimitMs;
  let url: string | undefined;
  while (url === undefined) {
    if (performance.now() > endMs) throw new Error("the server's inspector did not open");
    await delay(50);
    url = server.lines.flatMap((line) => address.exec(line)?.[1] ?? [])[0];
  }
  const inspector = new WebSocket(url);
  const ask = async (method: string, params: object): Promise<unknown> => {
    const answer = new Promise<string>((resolve, reject) => {
      inspector.addEventListener("error", () => reject(new Error("the server's inspector did not answer")), { once: true });
      inspector.addEventListener("message", ({ data }) => resolve(String(data)), { once: true });
    });
    inspector.send(JSON.stringify({ id: 1, method, params }));
    return JSON.parse(await answer);
  };
  await new Promise<void>((resolve) => inspector.addEventListener("open", () => resolve()));
  await ask("HeapProfiler.collectGarbage", {});
  const answer = await ask("Runtime.evaluate", { expression: youngBytes });
  inspector.close();
  return evaluated.parse(answer).result.result.value;
}
