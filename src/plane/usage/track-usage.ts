import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { EnvironmentPhase, type EnvironmentSchema } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { EnvironmentUsageRecordSchema } from "../../contract/gen/gitpod/v1/usage_pb.js";
import { uuidV7 } from "../../lib/uuid.ts";
import type { Stored, Transaction } from "../store/store.ts";
import { environmentUsageKind } from "../store/usage-kinds.ts";

const runningPhases: readonly (EnvironmentPhase | undefined)[] = [EnvironmentPhase.RUNNING, EnvironmentPhase.UPDATING];

/**
 * Begins or ends the usage record of an environment whose phase changes, in the transaction that writes its status: so
 * whichever of the two is there after a crash, the other is too.
 */
export async function trackUsage(
  tx: Transaction,
  environment: Stored<typeof EnvironmentSchema>,
  { phase, nowMs }: { readonly phase: EnvironmentPhase; readonly nowMs: number },
): Promise<void> {
  const wasRunning = runningPhases.includes(environment.message.status?.phase);
  const isRunning = runningPhases.includes(phase);
  if (isRunning && !wasRunning) beginUsage(tx, environment, nowMs);
  if (wasRunning && !isRunning) await endUsage(tx, environment.id, nowMs);
}

/** Ends what is open; also for an environment that is forgotten while it runs. */
export async function endUsage(tx: Transaction, environmentId: string, nowMs: number): Promise<void> {
  const open = await tx.all(environmentUsageKind, { where: { parentIds: [environmentId], isArchived: false } });
  for (const stored of open) {
    const stoppedAt = timestampFromMs(Math.max(nowMs, stored.createdAtMs));
    tx.update(environmentUsageKind, stored, { ...stored.message, stoppedAt });
  }
}

function beginUsage(tx: Transaction, { id, organizationId, message }: Stored<typeof EnvironmentSchema>, nowMs: number): void {
  const { metadata, spec } = message;
  const record = create(EnvironmentUsageRecordSchema, {
    id: uuidV7(nowMs),
    environmentId: id,
    userId: metadata?.creator?.id ?? "",
    projectId: metadata?.projectId ?? "",
    runnerId: metadata?.runnerId ?? "",
    environmentClassId: spec?.machine?.class ?? "",
    createdAt: timestampFromMs(nowMs),
  });
  tx.insert(environmentUsageKind, record.id, record, { organizationId });
}
