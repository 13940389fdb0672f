import { create } from "@bufbuild/protobuf";
import { Client, DatabaseError } from "pg";
import { z } from "zod";
import { CarriedMessageRecordSchema } from "../../contract/gen/berth/v1/records_pb.js";
import { type Log, messageOf } from "../../lib/log.ts";
import { parseJson } from "../../lib/parse-json.ts";
import { uuidV7 } from "../../lib/uuid.ts";
import { type FanOut, InMemoryFanOut } from "../runners/fan-out.ts";
import type { Store, View } from "../store/store.ts";
import { carriedMessageKind } from "./kinds.ts";

const channel = "berth_fan_out";
/** A notification's payload is shorter than 8,000 bytes (https://www.postgresql.org/docs/15/sql-notify.html). */
const maxPayloadBytes = 7_900;
/** What waits to be sent while the database is slow; beyond it messages get lost. */
const maxQueuedMessages = 10_000;
/** Notifications that wait for the records that earlier ones name; beyond it messages get lost. */
const maxHeardNotifications = 10_000;
const reconnectMs = 1_000;
const connectTimeoutMs = 5_000;
/** After so much silence the other side is asked whether it is still there; the system's own default is two hours. */
const keepAliveDelayMs = 10_000;
const queryTimeoutMs = 10_000;
/** By then everybody has read a message that was too long for a notification. */
const carriedForMs = 60_000;

/** One message, in the notification or in the record that it names. */
const entry = z.union([z.object({ topic: z.string(), message: z.base64() }), z.object({ topic: z.string(), recordId: z.string() })]);
const payload = z.object({ from: z.string(), entries: z.array(entry) });
type Entry = z.infer<typeof entry>;

interface Waiting {
  readonly entry: Entry;
  readonly sizeBytes: number;
}

/**
 * Carries messages between the server processes on one PostgreSQL database by LISTEN and NOTIFY. Messages that come
 * while a notification is under way go together with the next one, for a notification takes a lock of the whole server.
 * Listeners in this process are told at once, whatever the database does.
 */
export class PostgresFanOut implements FanOut {
  readonly #local: InMemoryFanOut;
  readonly #url: string;
  readonly #processId: string;
  readonly #view: View;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #queue: Waiting[] = [];
  readonly #heard: string[] = [];
  #isTaking = false;
  #client: Client | undefined;
  #isSending = false;
  #isStopped = false;
  #reconnect: NodeJS.Timeout | undefined;

  constructor(options: {
    readonly url: string;
    /** Unique among all processes of the installation. */
    readonly processId: string;
    readonly store: Store;
    readonly log: Log;
    readonly now: () => number;
  }) {
    this.#url = options.url;
    this.#processId = options.processId;
    this.#view = options.store.system("installation");
    this.#log = options.log;
    this.#local = new InMemoryFanOut(options.log);
    this.#now = options.now;
  }

  /** Listens once it resolves, and again whenever the connection breaks. Fails when the first one cannot be made. */
  async start(): Promise<void> {
    const client = new Client({
      connectionString: this.#url,
      application_name: "berth-plane fan-out",
      connectionTimeoutMillis: connectTimeoutMs,
      query_timeout: queryTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveDelayMs,
    });
    client.on("error", (error) => this.#lost(client, messageOf(error)));
    client.on("end", () => this.#lost(client, "the connection ended"));
    client.on("notification", ({ payload: text }) => this.#hear(text ?? ""));
    try {
      await client.connect();
      await client.query(`LISTEN ${channel}`);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    if (this.#isStopped) return client.end();
    this.#client = client;
    void this.#send();
  }

  async publish(topic: string, message: Uint8Array): Promise<void> {
    await this.#local.publish(topic, message);
    if (this.#isStopped) return;
    if (this.#queue.length >= maxQueuedMessages) {
      this.#log.warn("a message to other servers got lost: the database is slow", { topic });
      return;
    }
    const inline = { topic, message: Buffer.from(message).toString("base64") };
    const sizeBytes = sizeOf(inline);
    // Many messages fill a notification together, but for its first and last bytes.
    const isLong = sizeBytes + sizeOf({ from: this.#processId, entries: [] }) > maxPayloadBytes;
    try {
      const carried = isLong ? { topic, recordId: await this.#keep(message) } : inline;
      this.#queue.push({ entry: carried, sizeBytes: sizeOf(carried) });
      void this.#send();
    } catch (error) {
      this.#log.warn("a message to other servers got lost", { topic, reason: messageOf(error) });
    }
  }

  subscribe(topic: string, listener: (message: Uint8Array) => void): () => void {
    return this.#local.subscribe(topic, listener);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#reconnect);
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }

  async #keep(message: Uint8Array): Promise<string> {
    const id = uuidV7(this.#now());
    const record = create(CarriedMessageRecordSchema, { payload: message, expiresAtMs: BigInt(this.#now() + carriedForMs) });
    await this.#view.transaction(async (tx) => tx.insert(carriedMessageKind, id, record));
    return id;
  }

  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    const client = this.#client;
    try {
      while (this.#queue.length > 0 && client !== undefined && this.#client === client) {
        const entries = this.#nextEntries();
        await client.query("SELECT pg_notify($1, $2)", [channel, JSON.stringify({ from: this.#processId, entries })]);
      }
    } catch (error) {
      this.#log.warn("messages to other servers got lost", { reason: messageOf(error) });
      // What the server refuses it has heard; else nothing is heard from it either, and nobody would tell.
      if (client !== undefined && !(error instanceof DatabaseError)) this.#lost(client, messageOf(error));
    } finally {
      this.#isSending = false;
    }
    if (this.#queue.length > 0 && this.#client !== undefined) void this.#send();
  }

  /** As many as one notification takes. */
  #nextEntries(): Entry[] {
    let sizeBytes = sizeOf({ from: this.#processId, entries: [] });
    let count = 0;
    for (const waiting of this.#queue) {
      // With the comma between two.
      sizeBytes += waiting.sizeBytes + 1;
      if (sizeBytes > maxPayloadBytes && count > 0) break;
      count++;
    }
    return this.#queue.splice(0, count).map((waiting) => waiting.entry);
  }

  /** One after the other: a record that is read must not be overtaken by what was sent after it. */
  #hear(text: string): void {
    if (this.#heard.length >= maxHeardNotifications) return this.#log.warn("messages of another server got lost: the database is slow");
    this.#heard.push(text);
    if (!this.#isTaking) void this.#takeAll();
  }

  async #takeAll(): Promise<void> {
    this.#isTaking = true;
    for (let text = this.#heard.shift(); text !== undefined; text = this.#heard.shift()) await this.#take(text);
    this.#isTaking = false;
  }

  async #take(text: string): Promise<void> {
    try {
      const { from, entries } = payload.parse(parseJson(text));
      if (from === this.#processId) return;
      for (const one of entries) {
        const message = "message" in one ? Buffer.from(one.message, "base64") : await this.#kept(one.recordId);
        if (message !== undefined) await this.#local.publish(one.topic, message);
      }
    } catch (error) {
      this.#log.warn("messages of another server were not read", { reason: messageOf(error) });
    }
  }

  async #kept(id: string): Promise<Uint8Array | undefined> {
    return (await this.#view.get(carriedMessageKind, id))?.message.payload;
  }

  #lost(client: Client, reason: string): void {
    if (this.#isStopped || this.#client !== client) return;
    this.#client = undefined;
    this.#log.warn("other servers are not heard", { reason });
    void client.end().catch(() => undefined);
    this.#startAgain();
  }

  #startAgain(): void {
    this.#reconnect = setTimeout(() => {
      void this.start().catch(() => {
        if (!this.#isStopped) this.#startAgain();
      });
    }, reconnectMs);
  }
}

function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
