import type { DescMessage } from "@bufbuild/protobuf";
import { RunnerCredentialRecord_Kind } from "../../contract/gen/berth/v1/records_pb.js";
import type { Kind } from "../store/kind.ts";
import type { Store, View, Where } from "../store/store.ts";
import { carriedMessageKind, gatewayKind, runnerCredentialKind } from "./kinds.ts";

/** In one transaction; the next ones go with the next call. */
const batchSize = 100;

/** Removes exchange tokens that nobody used, long messages that everybody has read and gateways that went away; any process may do it. */
export async function removeExpiredRecords(store: Store, nowMs: number): Promise<void> {
  const view = store.system("housekeeping");
  const where = { expiresBeforeMs: nowMs };
  await removeBatch(view, runnerCredentialKind, { ...where, roles: [RunnerCredentialRecord_Kind.EXCHANGE] });
  await removeBatch(view, carriedMessageKind, where);
  await removeBatch(view, gatewayKind, where);
}

async function removeBatch<Desc extends DescMessage>(view: View, kind: Kind<Desc>, where: Where): Promise<void> {
  const { items } = await view.list(kind, { pageSize: batchSize, token: "" }, { where });
  if (items.length === 0) return;
  await view.transaction(async (tx) => {
    for (const { id } of items) {
      const stored = await tx.get(kind, id);
      if (stored !== undefined) tx.delete(kind, stored);
    }
  });
}
