import type { DescService } from "@bufbuild/protobuf";
import { type Client, type Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Account } from "../../../src/contract/gen/gitpod/v1/account_pb.js";
import { silentLog } from "../../../src/lib/log.ts";
import type { Store } from "../../../src/plane/store/store.ts";
import { readConfig } from "../../../src/server/config.ts";
import { type RunningServer, serve } from "../../../src/server/serve.ts";
import type { Databases } from "../store/databases.ts";
import { newFounder, newMember, type Person } from "./people.ts";

/** A server in this process, and what signs people in where there is no provider to do it. */
export class ServedServer {
  readonly store: Store;
  readonly databaseUrl: string;
  readonly #server: RunningServer;
  readonly #folder: string;

  private constructor(options: { server: RunningServer; store: Store; databaseUrl: string; folder: string }) {
    this.#server = options.server;
    this.store = options.store;
    this.databaseUrl = options.databaseUrl;
    this.#folder = options.folder;
  }

  static async start(databases: Databases): Promise<ServedServer> {
    const folder = mkdtempSync(join(tmpdir(), "berth-served-"));
    const databaseUrl = await databases.make();
    const server = await serveIn(folder, databaseUrl);
    return new ServedServer({ server, store: await databases.open(databaseUrl), databaseUrl, folder });
  }

  /** One more server on the same database, to be drained before this one is stopped. */
  async another(): Promise<RunningServer> {
    return serveIn(this.#folder, this.databaseUrl);
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  async stop(): Promise<void> {
    await this.store.close();
    await this.#server.drain();
    rmSync(this.#folder, { recursive: true });
  }

  /** A client of somebody, by person or by token. */
  as<Service extends DescService>(who: Person | string, service: Service): Client<Service> {
    const token = typeof who === "string" ? who : who.token;
    const transport = createConnectTransport({
      baseUrl: this.baseUrl,
      httpVersion: "1.1",
      interceptors: [
        (next) => async (request) => {
          request.header.set("authorization", `Bearer ${token}`);
          return next(request);
        },
      ],
    });
    return createClient(service, transport);
  }

  /** Makes an organization with its administrator. */
  async founder(name: string, email?: string): Promise<Person> {
    return newFounder(this.store, name, email);
  }

  /** Makes somebody a member of an organization. */
  async member(organizationId: string, name: string, account?: Account): Promise<Person> {
    return newMember(this.store, organizationId, name, account);
  }
}

async function serveIn(folder: string, databaseUrl: string): Promise<RunningServer> {
  const flags = { databaseUrl, keyFile: join(folder, "key"), listen: "127.0.0.1:0", drainLimitSeconds: "1" };
  return serve(readConfig(flags, {}), silentLog);
}

/** What a call failed with; undefined when it did not. */
export async function codeOf(call: Promise<unknown>): Promise<Code | undefined> {
  return call.then(
    () => undefined,
    (error: unknown) => ConnectError.from(error).code,
  );
}
