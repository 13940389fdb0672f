import { create, type DescService } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EnvironmentPhase, EnvironmentSchema } from "../../../src/contract/gen/gitpod/v1/environment_pb.js";
import { RunnerConfigurationService } from "../../../src/contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerPhase, RunnerSchema } from "../../../src/contract/gen/gitpod/v1/runner_pb.js";
import { uuidV7 } from "../../../src/lib/uuid.ts";
import { runnerKind } from "../../../src/plane/store/fleet-kinds.ts";
import { environmentKind } from "../../../src/plane/store/kinds.ts";
import { newMember, type Person } from "../server/people.ts";
import { createAdmin, type DatabaseFlags, PlaneProcess } from "../server/plane-process.ts";
import { sqliteDatabases } from "../store/databases.ts";

/** `berth-plane serve` on SQLite, with a person, their token, and environments that nobody runs. */
export class PlaneWithEnvironments {
  readonly #databases = sqliteDatabases();
  readonly #folder = mkdtempSync(join(tmpdir(), "berth-contexts-"));
  #database: DatabaseFlags = { databaseUrl: "", keyFile: join(this.#folder, "keys", "plane.key") };
  #process: PlaneProcess | undefined;
  #made = 0;
  admin = { organizationId: "", userId: "", token: "" };
  url = "";

  async start(): Promise<void> {
    await this.#databases.start();
    this.#database = { ...this.#database, databaseUrl: await this.#databases.make() };
    this.admin = await createAdmin(this.#database);
    this.#process = await PlaneProcess.start(this.#database);
    this.url = this.#process.baseUrl;
  }

  /** As a crash of its computer does it. */
  async kill(): Promise<void> {
    this.#process?.signal("SIGKILL");
    await this.#process?.ended();
    this.#process = undefined;
  }

  /** At the same address. */
  async startAgain(): Promise<void> {
    this.#process = await PlaneProcess.start(this.#database, "--listen", new URL(this.url).host);
  }

  /** Puts environments into the database; the plane need not run. */
  async add(...names: readonly string[]): Promise<void> {
    await this.addOn("018f0000-0000-7000-8000-00000000aaaa", ...names);
  }

  /** The same on a runner. */
  async addOn(runnerId: string, ...names: readonly string[]): Promise<void> {
    const { organizationId, userId } = this.admin;
    const store = await this.#databases.open(this.#database.databaseUrl);
    await store.inOrganization(organizationId).transaction(async (tx) => {
      for (const name of names) {
        const id = `018f0000-0000-7000-8000-${String(++this.#made).padStart(12, "0")}`;
        const environment = create(EnvironmentSchema, {
          id,
          metadata: {
            organizationId,
            name,
            creator: { id: userId },
            originalContextUrl: `https://git.example/${name}.git`,
            runnerId,
            createdAt: timestampFromMs(Date.now()),
          },
          spec: {},
          status: { phase: EnvironmentPhase.RUNNING, content: { git: { branch: "main", totalChangedFiles: 2 } } },
        });
        tx.insert(environmentKind, id, environment);
      }
    });
    await store.close();
  }

  /** A runner that said of itself why it is degraded, when it was there last. */
  async addRunner(name: string, degradedBecause: string): Promise<string> {
    const { organizationId, userId } = this.admin;
    const runnerId = uuidV7(Date.now());
    const at = timestampFromMs(Date.now());
    const runner = create(RunnerSchema, {
      runnerId,
      name,
      creator: { id: userId },
      createdAt: at,
      status: {
        phase: RunnerPhase.DEGRADED,
        message: degradedBecause,
        version: "0.1.0",
        systemDetails: `${name}: Linux 6.12`,
        updatedAt: at,
      },
    });
    const store = await this.#databases.open(this.#database.databaseUrl);
    await store.inOrganization(organizationId).transaction(async (tx) => tx.insert(runnerKind, runnerId, runner));
    await store.close();
    return runnerId;
  }

  /** As the administrator works with it from elsewhere. */
  client<Service extends DescService>(service: Service): Client<Service> {
    if (this.#process === undefined) throw new Error("the plane does not run");
    return this.#process.client(service, this.admin.token);
  }

  /** What the plane keeps of this class for its runner to read. */
  async classConfiguration(displayName: string): Promise<Record<string, string>> {
    const { environmentClasses } = await this.client(RunnerConfigurationService).listEnvironmentClasses({});
    const { configuration = [] } = environmentClasses.find((one) => one.displayName === displayName) ?? {};
    return Object.fromEntries(configuration.map(({ key, value }) => [key, value]));
  }

  /** People of the organization, who are not signed in anywhere. */
  async addMembers(...names: readonly string[]): Promise<Person[]> {
    const store = await this.#databases.open(this.#database.databaseUrl);
    const members: Person[] = [];
    for (const name of names) members.push(await newMember(store, this.admin.organizationId, name));
    await store.close();
    return members;
  }

  async end(): Promise<void> {
    await this.#process?.stop();
    await this.#databases.stop();
    rmSync(this.#folder, { recursive: true });
  }
}
