import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { findProgram } from "../../src/lib/find-program.ts";
import { waitUntil } from "../../src/lib/wait-until.ts";
import type { CertificateFiles } from "./certificate.ts";
import { freePort } from "./free-port.ts";

const startLimitMs = 10_000;

/** HAProxy as an operator has it before a plane: it ends TLS, and the calls of all clients share few connections to a server. */
export class HaProxy {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  /**
   * Fails when haproxy is not there.
   */
  static async start(options: {
    readonly folder: string;
    readonly tls: CertificateFiles;
    readonly ports: readonly number[];
  }): Promise<HaProxy> {
    const { folder, tls, ports } = options;
    const pemFile = join(folder, "tls.pem");
    writeFileSync(pemFile, Buffer.concat([readFileSync(tls.certFile), readFileSync(tls.keyFile)]), { mode: 0o600 });
    const port = await freePort();
    const file = join(folder, "haproxy.cfg");
    const servers = ports.map((serverPort, n) => `  server s${n} 127.0.0.1:${serverPort} proto h2 check inter 5s`);
    writeFileSync(
      file,
      `global
  maxconn 8000
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  option http-no-delay
  option redispatch
frontend runners
  bind 127.0.0.1:${port} ssl crt ${pemFile} alpn h2,http/1.1
  default_backend plane
backend plane
  http-reuse always
${servers.join("\n")}
`,
    );
    const child = spawn(findProgram("haproxy") ?? "haproxy", ["-db", "-q", "-f", file], { stdio: ["ignore", "inherit", "inherit"] });
    const failed = once(child, "error").then(() => {
      throw new Error("haproxy was not started: apt-get install haproxy");
    });
    const answers = async (): Promise<void> => {
      if (!(await waitUntil(async () => accepts(port), { intervalMs: 20, signal: AbortSignal.timeout(startLimitMs) })))
        throw new Error("haproxy did not start");
    };
    try {
      await Promise.race([answers(), failed]);
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
    return new HaProxy(`https://127.0.0.1:${port}`, child);
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    return await Promise.race([once(socket, "connect").then(() => true), once(socket, "error").then(() => false)]);
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
