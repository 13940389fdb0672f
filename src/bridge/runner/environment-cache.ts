import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { readFile } from "node:fs/promises";
import {
  type RunnerEnvironment,
  RunnerEnvironmentSchema,
  ListRunnerEnvironmentsResponseSchema,
} from "../../contract/gen/gitpod/v1/runner_interaction_pb.js";
import { writeFileAtomically } from "../../lib/atomic-file.ts";
import { isErrno } from "../../lib/errno.ts";
import { type Log, messageOf } from "../../lib/log.ts";

/** What the plane wanted last, for a runner that starts while the plane is away. */
export interface EnvironmentCache {
  /** Undefined where there is none that can be read. */
  load(): Promise<readonly RunnerEnvironment[] | undefined>;
  save(environments: readonly RunnerEnvironment[]): Promise<void>;
}

/** The cache as a file of mode 0600, without credentials. */
export function fileEnvironmentCache(path: string, log: Log): EnvironmentCache {
  return {
    load: async () => {
      try {
        return fromBinary(ListRunnerEnvironmentsResponseSchema, await readFile(path)).environments;
      } catch (error) {
        if (!isErrno(error, "ENOENT")) log.warn("the known environments could not be read", { reason: messageOf(error) });
        return undefined;
      }
    },
    save: async (environments) => {
      const withoutTokens = environments.map((one) => create(RunnerEnvironmentSchema, { ...one, environmentAccessToken: "" }));
      const file = create(ListRunnerEnvironmentsResponseSchema, { environments: withoutTokens });
      await writeFileAtomically(path, toBinary(ListRunnerEnvironmentsResponseSchema, file), 0o600);
    },
  };
}
