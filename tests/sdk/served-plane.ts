import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import Gitpod from "@gitpod/sdk";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EnvironmentStatusSchema } from "../../src/contract/gen/gitpod/v1/environment_pb.js";
import { engineCalls } from "../../src/engine/engine.ts";
import { createPlane, type Plane } from "../../src/plane/create-plane.ts";

/** A real plane on a real port, and the unmodified SDK as its client. */
export class ServedPlane {
  readonly plane: Plane;
  readonly client: Gitpod;
  readonly baseUrl: string;
  /** Each call's path with its query, in order. */
  readonly requests: string[] = [];
  /** What the plane takes for the time; tests move it on. */
  nowMs = Date.now();
  readonly #folder: string;
  readonly #server: Server;

  private constructor(folder: string, plane: Plane, server: Server, port: number) {
    this.#folder = folder;
    this.plane = plane;
    this.#server = server;
    this.baseUrl = `http://127.0.0.1:${port}`;
    this.client = new Gitpod({ bearerToken: "local", baseURL: this.baseUrl, maxRetries: 0 });
    server.prependListener("request", (request) => this.requests.push(request.url ?? ""));
  }

  static async start(): Promise<ServedPlane> {
    const folder = mkdtempSync(join(tmpdir(), "berth-sdk-"));
    const clock: { served?: ServedPlane } = {};
    const plane = await createPlane({
      databasePath: join(folder, "berth.db"),
      keyPath: join(folder, "key"),
      now: () => clock.served?.nowMs ?? Date.now(),
      version: "test",
      engineCalls,
    });
    const handler = connectNodeAdapter({ routes: plane.routes, interceptors: plane.interceptors });
    const server = createServer((request, response) => void (plane.serveJsonl(request, response) || handler(request, response)));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    clock.served = new ServedPlane(folder, plane, server, address.port);
    return clock.served;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await this.plane.close();
    rmSync(this.#folder, { recursive: true });
  }

  /** Creates an environment of https://github.com/o/r and gives its id. Fields that SDK 0.6 has no type for are sent all the same. */
  async make(
    fields: {
      readonly name?: string;
      readonly sessionId?: string;
      readonly annotations?: Record<string, string>;
      readonly spec?: object;
    } = {},
  ): Promise<string> {
    const spec = { content: fromUrl("https://github.com/o/r"), ...fields.spec };
    const { environment } = await this.client.environments.create({ ...fields, spec } as Gitpod.EnvironmentCreateParams);
    return environment.id;
  }

  /** The files of the store. */
  get storeFiles(): string[] {
    return ["berth.db", "berth.db-wal"].map((name) => join(this.#folder, name));
  }

  async get(environmentId: string): Promise<Gitpod.Environment> {
    return (await this.client.environments.retrieve({ environmentId })).environment;
  }

  /** What the engine would have observed. */
  async observe(environmentId: string, status: MessageInitShape<typeof EnvironmentStatusSchema>): Promise<void> {
    await this.plane.environmentStore.writeStatus(environmentId, create(EnvironmentStatusSchema, status));
  }
}

export function fromUrl(url: string): { initializer: { specs: { contextUrl: { url: string } }[] } } {
  return { initializer: { specs: [{ contextUrl: { url } }] } };
}

export const unknownId = "018f0000-0000-7000-8000-00000000ffff";
