import { z } from "zod";
import { BerthError } from "../../contract/berth-error.ts";
import { type Backend, StaleRead } from "./backend.ts";

const batchSize = 100;
/** How often the values are gone through, as long as others change some of them meanwhile. */
const maxRounds = 10;
const sealedRow = z.object({ kind: z.string(), id: z.string(), revision: z.coerce.number(), sealed: z.instanceof(Uint8Array) });

/** What a sealed value is bound to, so that values cannot be swapped between rows. */
export function sealedOwner(kind: string, id: string): string {
  return `${kind}/${id}`;
}

type Renew = (sealed: Uint8Array, belongsTo: string) => Uint8Array | undefined;

/**
 * Puts every sealed value through `renew`, which gives another one or undefined; gives how many were replaced. Records that
 * others change meanwhile are skipped and looked at again. Fails with `changed-meanwhile` when some were changed each time.
 */
export async function renewSealed(backend: Backend, renew: Renew, nowMs: number): Promise<number> {
  let replaced = 0;
  for (let round = 1; ; round++) {
    const done = await renewOnce(backend, renew, nowMs);
    replaced += done.replaced;
    if (done.skipped === 0) return replaced;
    if (round === maxRounds) throw new BerthError("changed-meanwhile", `${done.skipped} sealed values are as they were`);
  }
}

async function renewOnce(backend: Backend, renew: Renew, nowMs: number): Promise<{ readonly replaced: number; readonly skipped: number }> {
  let [replaced, skipped] = [0, 0];
  let last = { kind: "", id: "" };
  for (;;) {
    const rows = await sealedBehind(backend, last);
    for (const { kind, id, revision, sealed } of rows) {
      const renewed = renew(sealed, sealedOwner(kind, id));
      if (renewed === undefined) continue;
      const change = { does: "update", kind, id, scope: undefined, revision, row: { sealed: renewed } } as const;
      try {
        await backend.commit([change], { isObserved: false, nowMs });
        replaced++;
      } catch (error) {
        if (!(error instanceof StaleRead)) throw error;
        skipped++;
      }
    }
    const end = rows.at(-1);
    if (end === undefined) return { replaced, skipped };
    last = end;
  }
}

async function sealedBehind(
  backend: Backend,
  last: { readonly kind: string; readonly id: string },
): Promise<readonly z.infer<typeof sealedRow>[]> {
  const query = backend.build
    .selectFrom("resources")
    .select(["kind", "id", "revision", "sealed"])
    .where("sealed", "is not", null)
    .where(({ eb, refTuple, tuple }) => eb(refTuple("kind", "id"), ">", tuple(last.kind, last.id)))
    .orderBy("kind")
    .orderBy("id")
    .limit(batchSize);
  return z.array(sealedRow).parse(await backend.rows(query.compile()));
}
