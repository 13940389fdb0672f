import { mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomically } from "../../lib/atomic-file.ts";
import { isErrno } from "../../lib/errno.ts";
import type { Log } from "../../lib/log.ts";
import { parseJson } from "../../lib/parse-json.ts";

const recordSchema = z.object({ id: z.uuid(), name: z.string(), planeUrl: z.url(), addedAtMs: z.number() });
const fileSchema = z.object({ version: z.literal(1), contexts: z.array(recordSchema) });

/** A remote plane as a person added it. */
export type ContextRecord = z.infer<typeof recordSchema>;

/** Which contexts there are, in a file of the person alone. */
export class ContextStore {
  readonly #path: string;
  #records: readonly ContextRecord[];

  private constructor(path: string, records: readonly ContextRecord[]) {
    this.#path = path;
    this.#records = records;
  }

  /** A file that cannot be read is put aside: what runs on this computer needs none of it. */
  static async open(folder: string, log: Log): Promise<ContextStore> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, "contexts.json");
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      if (isErrno(error, "ENOENT")) return undefined;
      throw error;
    });
    if (text === undefined) return new ContextStore(path, []);
    const parsed = fileSchema.safeParse(parseJson(text));
    if (parsed.success) return new ContextStore(path, parsed.data.contexts);
    await rename(path, `${path}.damaged`);
    log.warn("the list of contexts could not be read and was put aside", { path: `${path}.damaged` });
    return new ContextStore(path, []);
  }

  get records(): readonly ContextRecord[] {
    return this.#records;
  }

  /** Returns when it is durable. */
  async set(records: readonly ContextRecord[]): Promise<void> {
    await writeFileAtomically(this.#path, `${JSON.stringify({ version: 1, contexts: records }, undefined, 2)}\n`);
    this.#records = records;
  }
}
