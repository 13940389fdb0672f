import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { open, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { syncFolder, writeFileAtomically } from "../../lib/atomic-file.ts";

const recordSchema = z.object({ key: z.string(), savedAtMs: z.number(), disk: z.string() });

export interface SavedRecord {
  /** See `stateKey`. */
  readonly key: string;
  readonly savedAtMs: number;
}

/**
 * A suspended machine on disk: memory and devices in one file, and beside it a record that is written last and
 * removed first. Memory is never continued on a disk that moved on, since that destroys its file system.
 */
export class SavedState {
  /** What the hypervisor writes to and reads from. */
  readonly path: string;
  readonly #recordPath: string;
  readonly #diskPath: string;

  constructor(folder: string, diskPath: string) {
    this.path = join(folder, "suspended.state");
    this.#recordPath = join(folder, "suspended.json");
    this.#diskPath = diskPath;
  }

  /** Makes the file that the hypervisor will write to, which nobody else may read: a guest's secrets are in its memory. */
  async prepare(): Promise<void> {
    await this.discard();
    await (await open(this.path, "wx", 0o600)).close();
  }

  /** Makes what the hypervisor wrote count; to be called once it has ended and touches the disk no more. */
  async commit(key: string, savedAtMs: number): Promise<void> {
    const file = await open(this.path, "r+");
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await writeFileAtomically(this.#recordPath, JSON.stringify({ key, savedAtMs, disk: await this.#diskNow() }));
  }

  /** Nothing when the machine is not suspended, or when its disk was written to since. */
  async read(): Promise<SavedRecord | undefined> {
    try {
      const record = recordSchema.parse(JSON.parse(await readFile(this.#recordPath, "utf8")));
      await stat(this.path);
      return record.disk === (await this.#diskNow()) ? { key: record.key, savedAtMs: record.savedAtMs } : undefined;
    } catch {
      return undefined;
    }
  }

  /** From when this returns on, also after a loss of power, the machine counts as not suspended. */
  async forget(): Promise<void> {
    rmSync(this.#recordPath, { force: true });
    await syncFolder(dirname(this.#recordPath));
  }

  /** Forgets it and frees its space, which takes a while. */
  async discard(): Promise<void> {
    await this.forget();
    await rm(this.path, { force: true });
  }

  async #diskNow(): Promise<string> {
    const { size, mtimeNs, ino } = await stat(this.#diskPath, { bigint: true });
    return `${size} ${mtimeNs} ${ino}`;
  }
}

export interface StateKeyInputs {
  readonly qemuVersion: string;
  /** The hypervisor's arguments: accelerator, processor, memory and devices. */
  readonly args: readonly string[];
  readonly imageSha256: string;
  /** The model of this computer's processor, which `-cpu host` shows to the guest. */
  readonly processor: string;
}

/** Names everything that a saved state depends on beside the disk; it may be continued only under the same key. */
export function stateKey({ qemuVersion, args, imageSha256, processor }: StateKeyInputs): string {
  return createHash("sha256")
    .update(JSON.stringify([qemuVersion, imageSha256, processor, args]))
    .digest("hex");
}
