import { z } from "zod";
import type { Backend } from "./backend.ts";
import { StaleRead } from "./backend.ts";

const batchSize = 100;
const sealedRow = z.object({ kind: z.string(), id: z.string(), revision: z.coerce.number(), sealed: z.instanceof(Uint8Array) });

/** What a sealed value is bound to, so that values cannot be swapped between rows. */
export function sealedOwner(kind: string, id: string): string {
  return `${kind}/${id}`;
}

/** Puts every sealed value through `renew`, which gives another one or undefined; gives how many were replaced. */
export async function renewSealed(
  backend: Backend,
  renew: (sealed: Uint8Array, belongsTo: string) => Uint8Array | undefined,
  nowMs: number,
): Promise<number> {
  let replaced = 0;
  let last = { kind: "", id: "" };
  for (;;) {
    const query = backend.build
      .selectFrom("resources")
      .select(["kind", "id", "revision", "sealed"])
      .where("sealed", "is not", null)
      .where(({ eb, refTuple, tuple }) => eb(refTuple("kind", "id"), ">", tuple(last.kind, last.id)))
      .orderBy("kind")
      .orderBy("id")
      .limit(batchSize);
    const rows = z.array(sealedRow).parse(await backend.rows(query.compile()));
    for (const { kind, id, revision, sealed } of rows) {
      const renewed = renew(sealed, sealedOwner(kind, id));
      if (renewed === undefined) continue;
      try {
        await backend.commit([{ does: "update", kind, id, scope: undefined, revision, row: { sealed: renewed } }], {
          isObserved: false,
          nowMs,
        });
        replaced++;
      } catch (error) {
        // Changed meanwhile, so it is looked at again the next time.
        if (!(error instanceof StaleRead)) throw error;
      }
    }
    const end = rows.at(-1);
    if (end === undefined) return replaced;
    last = end;
  }
}
