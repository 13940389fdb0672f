import { readFile } from "node:fs/promises";
import { z } from "zod";
import { writeFileAtomically } from "../../lib/atomic-file.ts";
import { isErrno } from "../../lib/errno.ts";
import { parseJson } from "../../lib/parse-json.ts";

const recordSchema = z.object({
  id: z.uuid(),
  environmentId: z.string(),
  /** Absolute, and no link. */
  localFolder: z.string(),
  /** Its name in /mnt/host. */
  name: z.string(),
  writable: z.boolean(),
  addedAtMs: z.number(),
});

const fileSchema = z.object({
  folders: z.array(recordSchema),
  /** What each machine was started with, by the machine's id. */
  started: z.record(z.string(), z.array(recordSchema)),
});

/** A folder as it was asked for. */
export type SharedFolderRecord = z.infer<typeof recordSchema>;

type Stored = z.infer<typeof fileSchema>;

/** Which folders are shared, in a file of the person alone. */
export class SharedFolderStore {
  readonly #path: string;
  #stored: Stored;

  private constructor(path: string, stored: Stored) {
    this.#path = path;
    this.#stored = stored;
  }

  /** A file that cannot be read shares nothing, and is replaced only when a person shares something anew. */
  static async open(path: string): Promise<SharedFolderStore> {
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      if (isErrno(error, "ENOENT")) return "";
      throw error;
    });
    const parsed = fileSchema.safeParse(parseJson(text));
    return new SharedFolderStore(path, parsed.success ? parsed.data : { folders: [], started: {} });
  }

  /** The oldest first. */
  get folders(): readonly SharedFolderRecord[] {
    return this.#stored.folders;
  }

  startedOn(machineId: string): readonly SharedFolderRecord[] {
    return this.#stored.started[machineId] ?? [];
  }

  /** Everything that any machine was started with. */
  get started(): readonly SharedFolderRecord[] {
    return Object.values(this.#stored.started).flat();
  }

  async setFolders(folders: readonly SharedFolderRecord[]): Promise<void> {
    await this.#write({ ...this.#stored, folders: [...folders] });
  }

  async setStarted(machineId: string, folders: readonly SharedFolderRecord[]): Promise<void> {
    if (folders.length === 0 && this.startedOn(machineId).length === 0) return;
    const { [machineId]: _before, ...others } = this.#stored.started;
    await this.#write({ ...this.#stored, started: folders.length === 0 ? others : { ...others, [machineId]: [...folders] } });
  }

  async #write(stored: Stored): Promise<void> {
    // Before: who asks meanwhile is told what will be there.
    this.#stored = stored;
    await writeFileAtomically(this.#path, `${JSON.stringify(stored, undefined, 2)}\n`);
  }
}
