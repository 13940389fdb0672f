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
  /** Whether a boot would be of another image than the one that runs. */
  isNewOffered(): Promise<boolean>;
  /** Called when a start failed. True: the machine is off, and another start may go otherwise. */
  failed(error: unknown, how: { readonly givenUp: boolean }): Promise<boolean>;
}

/** Boots. A boot that failed because of a new image is followed by another one, at the latest of the image before. */
export async function bootJudged(judge: BootJudge | undefined, givenUp: AbortSignal, boot: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await boot();
    } catch (error) {
      if ((await judge?.failed(error, { givenUp: givenUp.aborted })) !== true) throw error;
    }
  }
}

/** The same answer, when the machine may go on. */
export async function judged(judge: BootJudge | undefined, hello: HelloResponse): Promise<HelloResponse> {
  await judge?.judge(hello);
  return hello;
}

const finalCodes: ReadonlySet<ErrorCode> = new Set(["data-schema-too-new", "data-migration-failed"]);

/** Whether a boot that failed so will not come up however long it is waited for. */
export function endsBoot(error: unknown): boolean {
  return error instanceof BerthError && finalCodes.has(error.code);
}
