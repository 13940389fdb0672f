import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { DescService } from "@bufbuild/protobuf";
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { z } from "zod";

/** As it ships: bundled, which starts in a fraction of the time. */
export const main = join(import.meta.dirname, "../../../.cache/app/berth-plane.mjs");
const startLimitMs = 60_000;
const servingLine = z.object({ msg: z.literal("serving"), port: z.number(), metricsPort: z.number() });
const adminLine = z.object({ organizationId: z.string(), userId: z.string(), token: z.string() });

export interface DatabaseFlags {
  readonly databaseUrl: string;
  readonly keyFile: string;
}

function flagsOf({ databaseUrl, keyFile }: DatabaseFlags): string[] {
  return ["--database-url", databaseUrl, "--key-file", keyFile];
}

/** `berth-plane serve` as a process of its own on a free port. */
export class PlaneProcess {
  readonly port: number;
  readonly lines: string[];
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;

  private constructor(options: { child: ChildProcess; port: number; lines: string[]; ended: Promise<number | null> }) {
    this.#child = options.child;
    this.port = options.port;
    this.lines = options.lines;
    this.#ended = options.ended;
  }

  static async start(database: DatabaseFlags, ...flags: string[]): Promise<PlaneProcess> {
    return PlaneProcess.serve(...flagsOf(database), ...flags);
  }

  /** With these flags alone. */
  static async serve(...flags: string[]): Promise<PlaneProcess> {
    const child = spawn(process.execPath, [main, "serve", "--listen", "127.0.0.1:0", ...flags], { stdio: ["ignore", "pipe", "pipe"] });
    const lines: string[] = [];
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    const port = new Promise<number>((resolve) => {
      const take = (line: string): void => {
        lines.push(line);
        const serving = line.startsWith("{") ? servingLine.safeParse(JSON.parse(line)) : undefined;
        if (serving?.success === true) resolve(serving.data.port);
      };
      createInterface(child.stdout).on("line", take);
      createInterface(child.stderr).on("line", take);
    });
    const limit = AbortSignal.timeout(startLimitMs);
    const failed = new Promise<never>((_resolve, reject) => {
      const fail = (): void => reject(new Error(`the server did not start:\n${lines.join("\n")}`));
      limit.addEventListener("abort", fail);
      void ended.then(fail);
    });
    failed.catch(() => undefined);
    return new PlaneProcess({ child, port: await Promise.race([port, failed]), lines, ended });
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  transport(token?: string): Transport {
    return createConnectTransport({
      baseUrl: this.baseUrl,
      httpVersion: "1.1",
      useBinaryFormat: true,
      interceptors: [
        (next) => async (request) => {
          if (token !== undefined) request.header.set("authorization", `Bearer ${token}`);
          return next(request);
        },
      ],
    });
  }

  client<Service extends DescService>(service: Service, token?: string): Client<Service> {
    return createClient(service, this.transport(token));
  }

  async get(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(`${this.baseUrl}${path}`);
    return { status: response.status, text: await response.text() };
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Its exit code, once it has ended. */
  async ended(): Promise<number | null> {
    return this.#ended;
  }

  async stop(): Promise<number | null> {
    this.signal("SIGTERM");
    return this.#ended;
  }
}

/** `berth-plane create-admin`. */
export async function createAdmin(database: DatabaseFlags): Promise<z.infer<typeof adminLine>> {
  const who = ["--organization", "Example", "--name", "Ada", "--email", "ada@example.com"];
  const { stdout } = await promisify(execFile)(process.execPath, [main, "create-admin", ...flagsOf(database), ...who]);
  return adminLine.parse(JSON.parse(stdout));
}

/** Another command of `berth-plane`, and what it printed. */
export function runPlane(command: string, database: DatabaseFlags, ...flags: string[]): string {
  return execFileSync(process.execPath, [main, command, ...flagsOf(database), ...flags], { encoding: "utf8", stdio: "pipe" });
}
