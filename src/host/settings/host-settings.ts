import { readFile, rename } from "node:fs/promises";
import { z } from "zod";
import { BerthError } from "../../contract/berth-error.ts";
import { writeFileAtomically } from "../../lib/atomic-file.ts";
import { type Log, messageOf } from "../../lib/log.ts";
import { defaultDedicatedSize, defaultMachineSize, type MachineSize } from "../settings.ts";

const gib = 1024 ** 3;
const leastMemoryBytes = gib;
/** What this computer itself keeps at least, however much the machine gets. */
export const memoryLeftBytes = gib;
const leastDiskLimitBytes = 16 * gib;
const greatestDiskLimitBytes = 1024 * gib;
const maxIdleMinutes = 7 * 24 * 60;
const maxGitTextLength = 200;

const sizeSchema = z.object({ cpus: z.int(), memoryBytes: z.int(), dataDiskLimitBytes: z.int() });
/** One line, and nothing that would end git's own quoting of it. */
const gitTextSchema = z
  .string()
  .max(maxGitTextLength)
  .regex(/^[^\p{Cc}<>]*$/u);
const storedSchema = z.object({
  cpus: z.int().nonnegative().catch(0),
  memoryBytes: z.int().nonnegative().catch(0),
  dataDiskLimitBytes: z.int().nonnegative().catch(0),
  dedicatedCpus: z.int().nonnegative().catch(0),
  dedicatedMemoryBytes: z.int().nonnegative().catch(0),
  machineIdleMinutes: z.int().nonnegative().max(maxIdleMinutes).catch(5),
  machineUnusedMinutes: z.int().nonnegative().max(maxIdleMinutes).catch(0),
  gitUserName: gitTextSchema.catch(""),
  gitUserEmail: gitTextSchema.catch(""),
  /** With what the machine was started last. A host that comes later finds it running and could not tell otherwise. */
  started: sizeSchema.optional().catch(undefined),
  /** The same of the machines that environments have to themselves, by the machine's id. */
  startedDedicated: z.record(z.string(), sizeSchema).catch({}),
  /** What the configurations on these machines ask for; 0 is nothing. */
  dedicatedNeeds: z.record(z.string(), sizeSchema).catch({}),
});

/** The settings that are sizes, with what bounds them. */
const sizeSettings = [
  ["cpus", "cpus"],
  ["memoryBytes", "memoryBytes"],
  ["dataDiskLimitBytes", "dataDiskLimitBytes"],
  ["dedicatedCpus", "cpus"],
  ["dedicatedMemoryBytes", "memoryBytes"],
] as const satisfies readonly (readonly [keyof Stored, keyof MachineSize])[];

type Stored = z.infer<typeof storedSchema>;
/** What a person may change. 0 in a size: what Berth chooses. */
export type SettingsChange = Partial<Omit<Stored, "started" | "startedDedicated" | "dedicatedNeeds">>;

export interface Computer {
  readonly cpus: number;
  readonly memoryBytes: number;
}

/** How big one machine was started last, and will be at its next start. */
export interface MachineSizes {
  readonly startedSize: MachineSize | undefined;
  readonly nextSize: MachineSize;
  /** Notes with what the machine is being started. */
  noteStart(size: MachineSize): Promise<void>;
  /** The machine and its disk are gone. */
  noteReset(): Promise<void>;
}

/** The same of a machine that one environment has to itself, which can ask for more. */
export interface DedicatedSizes extends MachineSizes {
  /** Has it no smaller than this from its next start on, as far as the computer goes. */
  noteNeeds(needs: MachineSize): Promise<void>;
}

/** What the person set for this computer: one small file, which another version or a hand may spoil without harm. */
export class HostSettings implements MachineSizes {
  readonly #path: string;
  readonly #computer: Computer;
  #stored: Stored;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, computer: Computer, stored: Stored) {
    this.#path = path;
    this.#computer = computer;
    this.#stored = stored;
  }

  static async open(path: string, computer: Computer, log: Log): Promise<HostSettings> {
    return new HostSettings(path, computer, await read(path, log));
  }

  get stored(): Stored {
    return this.#stored;
  }

  get startedSize(): MachineSize | undefined {
    return this.#stored.started;
  }

  get defaultSize(): MachineSize {
    return defaultMachineSize(this.#computer);
  }

  get leastSize(): MachineSize {
    return { cpus: 1, memoryBytes: leastMemoryBytes, dataDiskLimitBytes: this.#stored.started?.dataDiskLimitBytes ?? leastDiskLimitBytes };
  }

  get greatestSize(): MachineSize {
    const { cpus, memoryBytes } = this.#computer;
    const { defaultSize } = this;
    return {
      cpus: Math.max(cpus, defaultSize.cpus),
      memoryBytes: Math.max(memoryBytes - memoryLeftBytes, defaultSize.memoryBytes),
      dataDiskLimitBytes: greatestDiskLimitBytes,
    };
  }

  /** How small and how big a machine can be that an environment has to itself. */
  get dedicatedBounds(): { readonly least: MachineSize; readonly greatest: MachineSize } {
    const { leastSize, greatestSize: greatest } = this;
    return { least: { ...leastSize, dataDiskLimitBytes: leastDiskLimitBytes }, greatest };
  }

  /** What the machine gets at its next start: what was set, as far as this computer has it. */
  get nextSize(): MachineSize {
    const { leastSize: least, greatestSize: greatest, defaultSize } = this;
    const within = (key: keyof MachineSize): number =>
      Math.min(greatest[key], Math.max(least[key], this.#stored[key] === 0 ? defaultSize[key] : this.#stored[key]));
    return { cpus: within("cpus"), memoryBytes: within("memoryBytes"), dataDiskLimitBytes: within("dataDiskLimitBytes") };
  }

  get defaultDedicatedSize(): MachineSize {
    return defaultDedicatedSize(this.#computer);
  }

  /** What a machine gets that an environment has to itself. */
  get nextDedicatedSize(): MachineSize {
    const { leastSize: least, greatestSize: greatest, defaultDedicatedSize: usual } = this;
    const { dedicatedCpus, dedicatedMemoryBytes, dataDiskLimitBytes } = this.#stored;
    return {
      cpus: Math.min(greatest.cpus, dedicatedCpus || usual.cpus),
      memoryBytes: Math.min(greatest.memoryBytes, Math.max(least.memoryBytes, dedicatedMemoryBytes || usual.memoryBytes)),
      dataDiskLimitBytes: dataDiskLimitBytes || usual.dataDiskLimitBytes,
    };
  }

  /** The sizes of a machine that an environment has to itself. */
  dedicated(machineId: string): DedicatedSizes {
    const started = (): MachineSize | undefined => this.#stored.startedDedicated[machineId];
    const next = (): MachineSize => {
      const { nextDedicatedSize: size, greatestSize: greatest } = this;
      const needs = this.#stored.dedicatedNeeds[machineId];
      const atLeast = (key: keyof MachineSize): number => Math.max(size[key], Math.min(greatest[key], needs?.[key] ?? 0));
      // A disk never shrinks.
      const dataDiskLimitBytes = Math.max(atLeast("dataDiskLimitBytes"), started()?.dataDiskLimitBytes ?? 0);
      return { cpus: atLeast("cpus"), memoryBytes: atLeast("memoryBytes"), dataDiskLimitBytes };
    };
    const note = async (size: MachineSize | undefined): Promise<void> =>
      this.#save((stored) => {
        const others = without(stored.startedDedicated, machineId);
        return { ...stored, startedDedicated: size === undefined ? others : { ...others, [machineId]: { ...size } } };
      });
    return {
      get startedSize() {
        return started();
      },
      get nextSize() {
        return next();
      },
      noteNeeds: async (needs) =>
        this.#save((stored) => ({ ...stored, dedicatedNeeds: { ...stored.dedicatedNeeds, [machineId]: { ...needs } } })),
      noteStart: async (size) => note(size),
      noteReset: async () => {
        await this.#save((stored) => ({ ...stored, dedicatedNeeds: without(stored.dedicatedNeeds, machineId) }));
        await note(undefined);
      },
    };
  }

  /** Fails with `setting-invalid` and changes nothing, when this computer does not have so much. */
  async change(change: SettingsChange): Promise<void> {
    const parsed = storedSchema.partial().safeParse(change);
    for (const key of ["gitUserName", "gitUserEmail", "machineIdleMinutes", "machineUnusedMinutes"] as const)
      if (change[key] !== undefined && (!parsed.success || parsed.data[key] !== change[key]))
        throw new BerthError("setting-invalid", `${key}: ${String(change[key])}`);
    for (const [name, key] of sizeSettings) {
      const wanted = change[name];
      if (wanted === undefined || wanted === 0) continue;
      if (!Number.isSafeInteger(wanted) || wanted < this.leastSize[key] || wanted > this.greatestSize[key])
        throw new BerthError("setting-invalid", `${name}: ${wanted} is not between ${this.leastSize[key]} and ${this.greatestSize[key]}`);
    }
    await this.#save((stored) => ({ ...stored, ...change }));
  }

  /** Of the shared machine, as is all that says no other. */
  async noteStart(size: MachineSize): Promise<void> {
    await this.#save((stored) => ({ ...stored, started: { ...size } }));
  }

  async noteReset(): Promise<void> {
    await this.#save((stored) => ({ ...stored, started: undefined }));
  }

  /** Nothing is told as set before it is on the disk, or when it could not be written. */
  async #save(change: (stored: Stored) => Stored): Promise<void> {
    // One after the other: each builds on the one before, and the last one stays.
    this.#writing = this.#writing
      .catch(() => undefined)
      .then(async () => {
        const next = change(this.#stored);
        await writeFileAtomically(this.#path, `${JSON.stringify(next, undefined, 2)}\n`);
        this.#stored = next;
      });
    return this.#writing;
  }
}

function without<T>(record: Readonly<Record<string, T>>, key: string): Record<string, T> {
  const { [key]: _left, ...others } = record;
  return others;
}

async function read(path: string, log: Log): Promise<Stored> {
  const nothing = storedSchema.parse({});
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    return nothing;
  }
  try {
    return storedSchema.parse(JSON.parse(text));
  } catch (error) {
    log.warn("the settings could not be read; they are kept beside the new ones", { reason: messageOf(error) });
    await rename(path, `${path}.unreadable`).catch(() => undefined);
    return nothing;
  }
}
