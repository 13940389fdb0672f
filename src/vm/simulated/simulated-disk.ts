import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeFileAtomically } from "../../lib/atomic-file.ts";
import { removeFolder } from "../../lib/remove-folder.ts";

const stepSchema = z.object({
  name: z.string(),
  startedAtMs: z.number(),
  finishedAtMs: z.number().optional(),
  failed: z.boolean(),
  logOffset: z.number(),
});

const jobSchema = z.object({
  id: z.string(),
  kind: z.enum(["clone", "devcontainer-up", "stop", "delete"]),
  state: z.enum(["running", "succeeded", "failed", "cancelled"]),
  errorCode: z.string(),
  errorMessage: z.string(),
  startedAtMs: z.number(),
  log: z.string(),
  steps: z.array(stepSchema),
});

const environmentSchema = z.object({
  directoryName: z.string(),
  /** The last word of the repository's address, which steers what happens. */
  sentinel: z.string(),
  contentReady: z.boolean(),
  /** git was looked at anew since it was made. */
  lookedAt: z.boolean().optional(),
  container: z.enum(["absent", "stopped", "running"]),
  containerNumber: z.number(),
  session: z.string(),
  configPath: z.string(),
  recovery: z.boolean(),
  failureMessage: z.string(),
  jobs: z.array(jobSchema),
  /** Who may log in. */
  authorizedKeys: z.array(z.string()).optional(),
});

const diskSchema = z.object({
  /** Of the layout, as /data/schema of a real disk. */
  dataSchema: z.number().default(1),
  environments: z.record(z.string(), environmentSchema),
  containersMade: z.number(),
  crashes: z.record(z.string(), z.number()),
});

export type SimulatedJob = z.infer<typeof jobSchema>;
export type SimulatedEnvironment = z.infer<typeof environmentSchema>;
export type DiskContent = z.infer<typeof diskSchema>;

const fileName = "disk.json";

/** What a simulated machine keeps: it survives the machine and the host, as a data disk does. */
export class SimulatedDisk {
  readonly #folder: string;
  /** Changed in place by the agent, which calls `save` after each change that must last. */
  readonly content: DiskContent;
  #turn: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | undefined;

  private constructor(folder: string, content: DiskContent) {
    this.#folder = folder;
    this.content = content;
  }

  /** Makes the disk when there is none, with room for `limitBytes`; a larger limit of an existing one is noted. */
  static async create(folder: string, limitBytes: number, dataSchema = 1): Promise<void> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!SimulatedDisk.exists(folder))
      await writeFileAtomically(
        SimulatedDisk.path(folder),
        JSON.stringify({ dataSchema, environments: {}, containersMade: 0, crashes: {} }),
      );
    const limitPath = join(folder, "limit");
    const before = Number(readOptional(limitPath) ?? 0);
    if (before < limitBytes) await writeFileAtomically(limitPath, String(limitBytes));
  }

  /** As a copy of another one, which stays. */
  static async copy(from: string, to: string): Promise<void> {
    mkdirSync(to, { recursive: true, mode: 0o700 });
    for (const name of ["limit", fileName]) await writeFileAtomically(join(to, name), readFileSync(join(from, name)));
  }

  static path(folder: string): string {
    return join(folder, fileName);
  }

  static exists(folder: string): boolean {
    return readOptional(join(folder, fileName)) !== undefined;
  }

  static open(folder: string): SimulatedDisk {
    return new SimulatedDisk(folder, diskSchema.parse(JSON.parse(readFileSync(join(folder, fileName), "utf8"))));
  }

  /** Where an environment has real files, for what is synced with them; undefined while it has no working copy. */
  syncPlaces(environmentId: string): { readonly root: string; readonly stateFolder: string } | undefined {
    const environment = this.content.environments[environmentId];
    if (environment?.contentReady !== true) return undefined;
    const folder = join(this.#folder, "copies", environmentId);
    const root = join(folder, environment.directoryName);
    mkdirSync(root, { recursive: true });
    return { root, stateFolder: join(folder, ".sync") };
  }

  static allocatedBytes(folder: string): number {
    return SimulatedDisk.exists(folder) ? statSync(join(folder, fileName)).size : 0;
  }

  static remove(folder: string): void {
    removeFolder(folder);
  }

  /** Resolves when what is there now was written; calls while one waits for its turn are one write. */
  async save(): Promise<void> {
    if (this.#waiting === undefined) {
      this.#waiting = this.#turn.then(async () => {
        this.#waiting = undefined;
        await writeFileAtomically(join(this.#folder, fileName), JSON.stringify(this.content)).catch(() => undefined);
      });
      this.#turn = this.#waiting;
    }
    return this.#waiting;
  }
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
