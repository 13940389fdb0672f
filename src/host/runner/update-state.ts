import { readFile } from "node:fs/promises";
import { z } from "zod";
import { writeFileAtomically } from "../../lib/atomic-file.ts";

/** It names a folder. */
const version = z.string().regex(/^[0-9A-Za-z][0-9A-Za-z.-]{0,63}$/);

const updateStateSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("idle"), checkedAtMs: z.number(), message: z.string() }),
  z.object({
    kind: z.literal("trying"),
    checkedAtMs: z.number(),
    version,
    /** How often it was started. */
    tries: z.int(),
    /** The version before it was connected to its plane, so this one has to be. */
    needsLink: z.boolean(),
  }),
  z.object({ kind: z.literal("rolled-back"), checkedAtMs: z.number(), version, reason: z.string() }),
]);

/** How far an update is, as it stands on the disk. */
export type UpdateState = z.infer<typeof updateStateSchema>;
export type TryingState = Extract<UpdateState, { readonly kind: "trying" }>;

/** The state of a runner that never updated. */
const never: UpdateState = { kind: "idle", checkedAtMs: 0, message: "" };

/** What was written last; a file that cannot be read counts as none, since the links say what runs. */
export async function readUpdateState(path: string): Promise<UpdateState> {
  const text = await readFile(path, "utf8").catch(() => "");
  try {
    return updateStateSchema.parse(JSON.parse(text));
  } catch {
    return never;
  }
}

export async function writeUpdateState(path: string, state: UpdateState): Promise<void> {
  await writeFileAtomically(path, `${JSON.stringify(state)}\n`);
}
