import { readFile } from "node:fs/promises";
import { z } from "zod";
import { writeFileAtomically } from "../../lib/atomic-file.ts";
import { parseJson } from "../../lib/parse-json.ts";
import { type Entry, sameEntry } from "../../lib/sync/entries.ts";

const entrySchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("folder") }),
  z.object({ kind: z.literal("file"), size: z.number(), hash: z.string(), executable: z.boolean() }),
  z.object({ kind: z.literal("link"), target: z.string() }),
]);
const schema = z.array(z.tuple([z.string(), entrySchema]));

/**
 * What both sides of a sync had when they agreed last, in a file. It may be older than the truth, never newer: what is
 * not in it is only compared once more. Without it nothing is taken for deleted.
 */
export class SyncBase {
  readonly #path: string;
  readonly #entries: Map<string, Entry>;
  #isChanged = false;

  private constructor(path: string, entries: Map<string, Entry>) {
    this.#path = path;
    this.#entries = entries;
  }

  static async open(path: string): Promise<SyncBase> {
    const parsed = schema.safeParse(parseJson(await readFile(path, "utf8").catch(() => "")));
    return new SyncBase(path, new Map(parsed.success ? parsed.data : []));
  }

  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries;
  }

  set(path: string, entry: Entry | undefined): void {
    if (sameEntry(this.#entries.get(path), entry)) return;
    if (entry === undefined) this.#entries.delete(path);
    else this.#entries.set(path, entry);
    this.#isChanged = true;
  }

  async save(): Promise<void> {
    if (!this.#isChanged) return;
    this.#isChanged = false;
    try {
      await writeFileAtomically(this.#path, JSON.stringify([...this.#entries]));
    } catch (error) {
      this.#isChanged = true;
      throw error;
    }
  }
}
