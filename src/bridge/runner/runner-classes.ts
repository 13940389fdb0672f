import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { readFile } from "node:fs/promises";
import type { EnvironmentClass } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import {
  ListRunnerEnvironmentClassesResponseSchema,
  RunnerInteractionService,
} from "../../contract/gen/gitpod/v1/runner_interaction_pb.js";
import { writeFileAtomically } from "../../lib/atomic-file.ts";
import { isErrno } from "../../lib/errno.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { listPageSize } from "./limits.ts";
import type { PlaneConnection } from "./plane-connection.ts";

/** The classes that are known, for a runner that starts while the plane is away. */
export interface ClassCache {
  load(): Promise<readonly EnvironmentClass[]>;
  save(classes: readonly EnvironmentClass[]): Promise<void>;
}

/** The classes as a file; one that cannot be read is as none. */
export function fileClassCache(path: string, log: Log): ClassCache {
  return {
    load: async () => {
      try {
        return fromBinary(ListRunnerEnvironmentClassesResponseSchema, await readFile(path)).environmentClasses;
      } catch (error) {
        if (!isErrno(error, "ENOENT")) log.warn("the known classes could not be read", { reason: messageOf(error) });
        return [];
      }
    },
    save: async (classes) => {
      const file = create(ListRunnerEnvironmentClassesResponseSchema, { environmentClasses: [...classes] });
      await writeFileAtomically(path, toBinary(ListRunnerEnvironmentClassesResponseSchema, file), 0o600);
    },
  };
}

/** The classes of a runner's environments. What a class says of machines never changes, so each is asked for once. */
export class RunnerClasses {
  readonly #connection: PlaneConnection;
  readonly #cache: ClassCache;
  readonly #log: Log;
  readonly #known = new Map<string, EnvironmentClass>();

  constructor(options: { readonly connection: PlaneConnection; readonly cache: ClassCache; readonly log: Log }) {
    this.#connection = options.connection;
    this.#cache = options.cache;
    this.#log = options.log;
  }

  async loadCache(): Promise<void> {
    for (const one of await this.#cache.load()) this.#known.set(one.id, one);
  }

  /** Undefined for one that the plane does not have. */
  find(classId: string): EnvironmentClass | undefined {
    return this.#known.get(classId);
  }

  /** Asks the plane for those of these that are not known yet. */
  async learn(runnerId: string, classIds: readonly string[], signal: AbortSignal): Promise<void> {
    const unknown = [...new Set(classIds)].filter((id) => id !== "" && !this.#known.has(id));
    const client = this.#connection.client(RunnerInteractionService);
    for (let from = 0; from < unknown.length; from += listPageSize) {
      const environmentClassIds = unknown.slice(from, from + listPageSize);
      const request = { runnerId, filter: { environmentClassIds }, pagination: { pageSize: listPageSize } };
      const { environmentClasses } = await this.#connection.call((call) => client.listRunnerEnvironmentClasses(request, call), signal);
      for (const one of environmentClasses) this.#known.set(one.id, one);
    }
    if (unknown.length === 0) return;
    await this.#cache
      .save([...this.#known.values()])
      .catch((error: unknown) => this.#log.warn("the known classes could not be kept", { reason: messageOf(error) }));
  }
}
