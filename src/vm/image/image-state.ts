import { mkdir, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { writeFileAtomically } from "../../lib/atomic-file.ts";
import { parseJson } from "../../lib/parse-json.ts";

/** Also the name of a folder of the store. */
const identitySchema = z.string().regex(/^[\w-]{1,64}$/);
const versionSchema = z.object({ identity: identitySchema, dataSchema: z.int().positive() });

/** An image by what it was made from, and the layout of the data disk that it works with. */
export type ImageVersion = z.infer<typeof versionSchema>;

const stateSchema = z.object({
  formatVersion: z.literal(1),
  /** Was good: its agent and dockerd came up. A machine's first image is taken for good. */
  active: versionSchema.optional(),
  /** Was good before `active`. */
  previous: versionSchema.optional(),
  /** Was begun and did not come up yet. */
  candidate: versionSchema
    .extend({
      /** Starts that it has left. */
      triesLeft: z.int().nonnegative(),
      /** The copy of the data disk that was made before its first start, when it changes the disk's schema. */
      diskCopy: z.string().optional(),
    })
    .optional(),
  /** Did not come up. It is not tried again until another one is offered. */
  refused: versionSchema.extend({ atMs: z.number(), reason: z.string() }).optional(),
  /** Of the data disk, without what a candidate does to it. */
  dataSchema: z.int().positive(),
});

/** Which images a machine boots: `image.json` in its folder. */
export type ImageState = z.infer<typeof stateSchema>;

/** Undefined when there is none; one that cannot be read is put aside. */
export async function readImageState(path: string): Promise<ImageState | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    return undefined;
  }
  const state = stateSchema.safeParse(parseJson(text));
  if (state.success) return state.data;
  await rename(path, `${path}.unreadable`).catch(() => undefined);
  return undefined;
}

export async function writeImageState(path: string, state: ImageState): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFileAtomically(path, `${JSON.stringify(state, undefined, 2)}\n`);
}
