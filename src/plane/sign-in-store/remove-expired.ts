import type { DescMessage } from "@bufbuild/protobuf";
import type { Kind } from "../store/kind.ts";
import type { Store, View } from "../store/store.ts";
import { authorizationKind, browserSessionKind, signInStateKind, voucherKind } from "./kinds.ts";

/** In one transaction; the next ones go with the next call. */
const batchSize = 100;

/**
 * Removes what of signing in has ended; to be called every few minutes by any of the server's processes. Answers whether
 * there may be more.
 */
export async function removeExpiredSignIns(store: Store, nowMs: number): Promise<boolean> {
  const view = store.system("housekeeping");
  const removed = [
    await removeBatch(view, signInStateKind, nowMs),
    await removeBatch(view, browserSessionKind, nowMs),
    await removeBatch(view, authorizationKind, nowMs),
    await removeBatch(view, voucherKind, nowMs),
  ];
  return removed.includes(batchSize);
}

async function removeBatch<Desc extends DescMessage>(view: View, kind: Kind<Desc>, nowMs: number): Promise<number> {
  const { items } = await view.list(kind, { pageSize: batchSize, token: "" }, { where: { expiresBeforeMs: nowMs } });
  await view.transaction(async (tx) => {
    for (const { id } of items) {
      const stored = await tx.get(kind, id);
      if (stored !== undefined) tx.delete(kind, stored);
    }
  });
  return items.length;
}
