import type { EnvironmentSchema } from "../contract/gen/gitpod/v1/environment_pb.js";
import { environmentServiceKind, environmentTaskKind, taskExecutionKind } from "./store/automation-kinds.ts";
import { environmentKind } from "./store/kinds.ts";
import type { Stored, Transaction } from "./store/store.ts";
import { endUsage } from "./usage/track-usage.ts";

/** Deletes an environment and what is only there because of it; what it used stays known. */
export async function forgetEnvironment(tx: Transaction, stored: Stored<typeof EnvironmentSchema>, nowMs: number): Promise<void> {
  await endUsage(tx, stored.id, nowMs);
  const where = { parentIds: [stored.id] };
  for (const service of await tx.all(environmentServiceKind, { where })) tx.delete(environmentServiceKind, service);
  for (const task of await tx.all(environmentTaskKind, { where })) tx.delete(environmentTaskKind, task);
  for (const execution of await tx.all(taskExecutionKind, { where })) tx.delete(taskExecutionKind, execution);
  // The last one is what the transaction is about.
  tx.delete(environmentKind, stored);
}
