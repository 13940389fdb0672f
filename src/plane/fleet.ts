import type { EngineCalls } from "../contract/engine-port.ts";
import type { EnvironmentClass } from "../contract/gen/gitpod/v1/runner_configuration_pb.js";
import type { Runner } from "../contract/gen/gitpod/v1/runner_pb.js";

/** What environments of an organization can run on: this computer alone, or runners that signed up. */
export interface Fleet {
  runners(organizationId: string): Promise<readonly Runner[]>;
  /** The class that is taken where none is named first. */
  classes(organizationId: string): Promise<readonly EnvironmentClass[]>;
  /** One of them; undefined where there is none with this id. */
  findClass(organizationId: string, id: string): Promise<EnvironmentClass | undefined>;
  /** What a runner is asked. Fails with `resource-not-found` when there is none with this id in the organization. */
  engineCalls(organizationId: string, runnerId: string): Promise<EngineCalls>;
}
