import { connect, type Socket } from "node:net";
import { z } from "zod";

const commandTimeoutMs = 10_000;
const maxLineBytes = 1024 * 1024;

const messageSchema = z.union([
  z.looseObject({ event: z.string(), data: z.record(z.string(), z.unknown()).optional() }),
  z.looseObject({ return: z.unknown(), id: z.number() }),
  z.looseObject({ error: z.looseObject({ class: z.string(), desc: z.string() }), id: z.number().optional() }),
  z.looseObject({ QMP: z.unknown() }),
]);

export interface QmpEvent {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** One connection to QEMU's machine protocol (docs/interop/qmp-spec): commands with answers, and events. */
export class QmpClient {
  readonly #socket: Socket;
  readonly #onEvent: (event: QmpEvent) => void;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #nextId = 1;
  #rest = "";
  #closed = false;

  private constructor(socket: Socket, onEvent: (event: QmpEvent) => void, onClose: (client: QmpClient) => void) {
    this.#socket = socket;
    this.#onEvent = onEvent;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk.toString()));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#closed = true;
      for (const { reject } of this.#waiting.values()) reject(new Error("QEMU closed the connection"));
      this.#waiting.clear();
      onClose(this);
    });
  }

  /** Connects and negotiates; fails when nothing listens there. */
  static async connect(path: string, onEvent: (event: QmpEvent) => void, onClose: (client: QmpClient) => void): Promise<QmpClient> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    const client = new QmpClient(socket, onEvent, onClose);
    try {
      await client.execute("qmp_capabilities");
    } catch (error) {
      // QEMU talks to one at a time.
      client.close();
      throw error;
    }
    return client;
  }

  /** Fails when QEMU refuses, goes away, or does not answer in time. */
  async execute(command: string, args?: Readonly<Record<string, unknown>>, timeoutMs = commandTimeoutMs): Promise<unknown> {
    if (this.#closed) throw new Error("QEMU closed the connection");
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error(`QEMU did not answer ${command}`));
      }, timeoutMs);
      const settle =
        <T>(then: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(timer);
          then(value);
        };
      this.#waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      this.#socket.write(`${JSON.stringify({ execute: command, ...(args === undefined ? {} : { arguments: args }), id })}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > maxLineBytes) this.#socket.destroy();
    for (const line of lines) if (line.trim() !== "") this.#message(line);
  }

  #message(line: string): void {
    const parsed = messageSchema.safeParse(parseJson(line));
    if (!parsed.success) return;
    const message = parsed.data;
    if ("event" in message && typeof message.event === "string")
      return this.#onEvent({ name: message.event, data: isRecord(message["data"]) ? message["data"] : {} });
    if (!("id" in message) || typeof message.id !== "number") return;
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ("error" in message && isRecord(message.error)) waiting?.reject(new Error(String(message.error["desc"])));
    else waiting?.resolve("return" in message ? message.return : undefined);
  }
}

/** What QEMU says the guest does: running, paused, io-error, inmigrate and others (qapi/run-state.json). */
export async function runStateOf(qmp: QmpClient): Promise<string> {
  const status = await qmp.execute("query-status");
  return isRecord(status) && typeof status["status"] === "string" ? status["status"] : "";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
