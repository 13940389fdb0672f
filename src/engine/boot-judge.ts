import { BerthError } from "../contract/berth-error.ts";
import type { ErrorCode } from "../contract/error-catalogue.ts";
import type { HelloResponse } from "../contract/gen/berth/v1/agent_pb.js";

/** Who chose what a machine boots, and must know how that went. */
export interface BootJudge {
  /**
   * Called when the agent has answered, before the machine counts as ready. Fails while it must not; with
   * `data-schema-too-new` or `data-migration-failed` when nothing will come of this boot.
   */
  judge(hello: HelloResponse): Promise<void>;
  /** Called when a start failed. True: the machine is off, and another start may go otherwise. */
  failed(error: unknown, how: { readonly givenUp: boolean }): Promise<boolean>;
}

const finalCodes: ReadonlySet<ErrorCode> = new Set(["data-schema-too-new", "data-migration-failed"]);

/** Whether a boot that failed so will not come up however long it is waited for. */
export function endsBoot(error: unknown): boolean {
  return error instanceof BerthError && finalCodes.has(error.code);
}
