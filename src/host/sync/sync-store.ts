import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomically } from "../../lib/atomic-file.ts";
import { isErrno } from "../../lib/errno.ts";
import { parseJson } from "../../lib/parse-json.ts";
import { pruneTrashes } from "../../lib/sync/trash.ts";

const recordSchema = z.object({
  id: z.uuid(),
  environmentId: z.string(),
  /** Absolute, and no link. */
  localFolder: z.string(),
  path: z.string(),
  ignorePatterns: z.array(z.string()),
  startedAtMs: z.number(),
  /** It halted at deletions that nobody has accepted, so that any other one is doubtful too. */
  inDoubt: z.boolean().default(false),
});

/** What a sync is, as it was started. */
export type SyncRecord = z.infer<typeof recordSchema>;

/** A folder for each sync, of the person alone: its record, what both sides agreed on, known hashes, and the trash. */
export class SyncStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  folderOf(id: string): string {
    return join(this.#folder, id);
  }

  baseOf(id: string): string {
    return join(this.folderOf(id), "base.json");
  }

  /** All that there are, the oldest first. A record that cannot be read is left where it is. */
  async load(now: () => number): Promise<SyncRecord[]> {
    await pruneTrashes(this.#folder, now);
    const records: SyncRecord[] = [];
    for (const name of await namesIn(this.#folder)) {
      const parsed = recordSchema.safeParse(parseJson(await readFile(this.#recordOf(name), "utf8").catch(() => "")));
      if (parsed.success && parsed.data.id === name) records.push(parsed.data);
    }
    return records.sort((a, b) => a.startedAtMs - b.startedAtMs);
  }

  async save(record: SyncRecord): Promise<void> {
    await mkdir(this.folderOf(record.id), { recursive: true, mode: 0o700 });
    await writeFileAtomically(this.#recordOf(record.id), `${JSON.stringify(record, undefined, 2)}\n`);
  }

  /** Removes all but the trash, which goes when it is old. */
  async remove(id: string, now: () => number): Promise<void> {
    await rm(this.#recordOf(id), { force: true });
    for (const name of ["base.json", "hashes.json"]) await rm(join(this.folderOf(id), name), { force: true });
    await pruneTrashes(this.#folder, now);
  }

  #recordOf(id: string): string {
    return join(this.folderOf(id), "sync.json");
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  }
}
