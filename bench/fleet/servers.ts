import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type DatabaseFlags, PlaneProcess } from "../../tests/integration/server/plane-process.ts";
import { readProcessUsage } from "../process-usage.ts";

const inspectorLimitMs = 20_000;

/** The server processes of an installation, and a balancer before them that gives connections to each in turn. */
export class Servers {
  readonly ca: Buffer;
  /** Certificate and key of all of them. */
  readonly tls: { readonly certFile: string; readonly keyFile: string };
  readonly #flags: readonly string[];
  readonly #database: DatabaseFlags;
  readonly #processes: PlaneProcess[];
  readonly #balancer: Server;
  readonly #sockets = new Set<Socket>();
  readonly #down = new Set<number>();
  #turn = 0;

  private constructor(options: {
    readonly ca: Buffer;
    readonly tls: Servers["tls"];
    readonly flags: readonly string[];
    readonly database: DatabaseFlags;
    readonly processes: PlaneProcess[];
  }) {
    this.ca = options.ca;
    this.tls = options.tls;
    this.#flags = options.flags;
    this.#database = options.database;
    this.#processes = options.processes;
    this.#balancer = createServer((socket) => this.#give(socket));
  }

  static async start(options: { readonly database: DatabaseFlags; readonly folder: string; readonly count: number }): Promise<Servers> {
    const { database, folder, count } = options;
    const [key, cert] = [join(folder, "tls.key"), join(folder, "tls.crt")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    execFileSync("openssl", ["req", "-x509", ...curve, "-nodes", "-days", "2", "-keyout", key, "-out", cert, ...subject], {
      stdio: "ignore",
    });
    const flags = ["--tls-cert", cert, "--tls-key", key, "--log-level", "info", "--drain-limit-seconds", "2"];
    const processes: PlaneProcess[] = [];
    for (let n = 0; n < count; n++) processes.push(await PlaneProcess.start(database, ...flags));
    const servers = new Servers({ ca: readFileSync(cert), tls: { certFile: cert, keyFile: key }, flags, database, processes });
    await new Promise<void>((resolve) => servers.#balancer.listen(0, "127.0.0.1", resolve));
    return servers;
  }

  get count(): number {
    return this.#processes.length;
  }

  /** Of the balancer. */
  get url(): string {
    const address = this.#balancer.address();
    return `https://127.0.0.1:${address === null || typeof address === "string" ? 0 : address.port}`;
  }

  urlOf(index: number): string {
    return `https://127.0.0.1:${this.#processes[index]?.port ?? 0}`;
  }

  /** What all processes have in memory, without garbage. */
  async residentBytes(): Promise<number> {
    for (const process of this.#processes) await collectGarbage(process);
    return this.#processes.reduce((sum, { pid }) => sum + readProcessUsage(pid).residentBytes, 0);
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

/** Through the inspector, which a signal opens: what garbage takes would hide what connections do. */
async function collectGarbage(server: PlaneProcess): Promise<void> {
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
  await new Promise<void>((resolve, reject) => {
    inspector.addEventListener("error", () => reject(new Error("the server's inspector did not answer")));
    inspector.addEventListener("open", () => inspector.send(JSON.stringify({ id: 1, method: "HeapProfiler.collectGarbage" })));
    inspector.addEventListener("message", () => resolve());
  });
  inspector.close();
}
