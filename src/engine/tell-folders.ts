import type { MessageInitShape } from "@bufbuild/protobuf";
import type { SetSharedFoldersRequestSchema } from "../contract/gen/berth/v1/agent_pb.js";
import { type Log, messageOf } from "../lib/log.ts";
import type { AgentClient } from "./machine-view.ts";

/** It mounts a few folders; one that hangs must not keep the machine from being used. */
const foldersTimeoutMs = 30_000;

/** The folders of this computer that a machine is to have. */
export interface FolderSource {
  wanted(): Promise<MessageInitShape<typeof SetSharedFoldersRequestSchema>>;
  /** Told why folders are not in the machine, by their tags. */
  told(failures: Readonly<Record<string, string>>): void;
}

/** Has a machine mount the folders that it was started with. One that cannot works without them, and says why. */
export async function tellFolders(client: AgentClient, source: FolderSource | undefined, log: Log, signal: AbortSignal): Promise<void> {
  if (source === undefined) return;
  const wanted = await source.wanted();
  try {
    const { failures } = await client.setSharedFolders(wanted, { signal, timeoutMs: foldersTimeoutMs });
    for (const [tag, reason] of Object.entries(failures)) log.warn("a shared folder is not in the machine", { tag, reason });
    source.told(failures);
  } catch (error) {
    log.warn("the machine did not mount its shared folders", { reason: messageOf(error) });
    source.told(Object.fromEntries((wanted.folders ?? []).map(({ tag }) => [tag ?? "", messageOf(error)])));
  }
}
