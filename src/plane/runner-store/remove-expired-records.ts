import type { DescMessage } from "@bufbuild/protobuf";
import { RunnerCredentialRecord_Kind } from "../../contract/gen/berth/v1/records_pb.js";
import { creatingCallKind } from "../idempotency/creating-call-kind.ts";
import type { Kind } from "../store/kind.ts";
import type { Store, View, Where } from "../store/store.ts";
import { carriedMessageKind, gatewayKind, runnerCredentialKind } from "./kinds.ts";

/** In one transaction. */
const batchSize = 100;

/**
 * Removes exchange tokens that nobody used, long messages that everybody has read, gateways that went away, and calls that
 * cannot be repeated any more; any process may do it.
 */
export async function removeExpiredRecords(store: Store, nowMs: number): Promise<void> {
  const view = store.system("housekeeping");
  const where = { expiresBeforeMs: nowMs };
  await removeBatch(view, runnerCredentialKind, { ...where, roles: [RunnerCredentialRecord_Kind.EXCHANGE] });
  await removeBatch(view, carriedMessageKind, where);
  await removeBatch(view, gatewayKind, where);
  // Of these there may be many; of the others, what is left goes with the next call.
  while (await removeBatch(view, creatingCallKind, where));
}

/** Whether there may be more. */
async function removeBatch<Desc extends DescMessage>(view: View, kind: Kind<Desc>, where: Where): Promise<boolean> {
  const { items } = await view.list(kind, { pageSize: batchSize, token: "" }, { where });
  if (items.length === 0) return false;
  await view.transaction(async (tx) => {
    for (const { id } of items) {
      const stored = await tx.get(kind, id);
      if (stored !== undefined) tx.delete(kind, stored);
    }
  });
  return items.length === batchSize;
}
