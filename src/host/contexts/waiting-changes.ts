import { readFile, rename } from "node:fs/promises";
import { z } from "zod";
import { BerthError } from "../../contract/berth-error.ts";
import { writeFileAtomically } from "../../lib/atomic-file.ts";
import { isErrno } from "../../lib/errno.ts";
import type { Log } from "../../lib/log.ts";
import { parseJson } from "../../lib/parse-json.ts";
import type { Owner } from "./known-environments.ts";

const maxWaiting = 100;
/** The oldest go first: they tell of what did not happen, and are no wish any more. */
const maxDropped = 100;

const changeSchema = z.object({
  id: z.uuid(),
  organizationId: z.string(),
  accountId: z.string(),
  environmentId: z.string(),
  environmentName: z.string(),
  kind: z.enum(["start", "stop", "delete", "rename"]),
  newName: z.string(),
  specVersion: z
    .string()
    .regex(/^\d{1,20}$/)
    .transform(BigInt),
  workDigest: z.string(),
  madeAtMs: z.number(),
  needsConfirmation: z.boolean(),
});
const droppedSchema = z.object({
  change: changeSchema,
  reason: z.enum(["changed-meanwhile", "gone", "refused"]),
  errorCode: z.string(),
  detail: z.string(),
  droppedAtMs: z.number(),
});
const fileSchema = z.object({ version: z.literal(1), waiting: z.array(changeSchema), dropped: z.array(droppedSchema) });

/** A change that the plane has not been told yet, with what its maker saw. */
export type QueuedChange = z.infer<typeof changeSchema>;
/** A change that was never carried out, and why. */
export type DroppedRecord = z.infer<typeof droppedSchema>;

/** In the order in which they were made. */
export interface ChangeRecords {
  readonly waiting: readonly QueuedChange[];
  readonly dropped: readonly DroppedRecord[];
}

/** The changes that wait for a plane, in a file of the person alone; every change of it is durable when it is told. */
export class WaitingChanges {
  readonly #path: string;
  readonly #log: Log;
  #records: ChangeRecords | undefined;
  #changing: Promise<unknown> = Promise.resolve();

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** Those of one person: nobody else is shown them or carries them out. */
  async of(owner: Owner): Promise<ChangeRecords> {
    const { waiting, dropped } = await this.all();
    return { waiting: waiting.filter((c) => isOf(c, owner)), dropped: dropped.filter(({ change }) => isOf(change, owner)) };
  }

  /** As far as the file has been read. */
  isWaiting(changeId: string): boolean {
    return this.#records?.waiting.some(({ id }) => id === changeId) ?? false;
  }

  async all(): Promise<ChangeRecords> {
    return (this.#records ??= await this.#read());
  }

  /** Puts what `change` makes of the records in their place. */
  async update(change: (records: ChangeRecords) => ChangeRecords): Promise<void> {
    const done = this.#changing.then(async () => {
      const { waiting, dropped } = change(await this.all());
      const records = { waiting, dropped: dropped.slice(-maxDropped) };
      const text = JSON.stringify(
        { version: 1, ...records },
        (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value),
        2,
      );
      await writeFileAtomically(this.#path, `${text}\n`);
      this.#records = records;
    });
    this.#changing = done.catch(() => undefined);
    await done;
  }

  /** A file that cannot be read is put aside, so that a wish in it is not lost. */
  async #read(): Promise<ChangeRecords> {
    let text: string;
    try {
      text = await readFile(this.#path, "utf8");
    } catch (error) {
      if (isErrno(error, "ENOENT")) return { waiting: [], dropped: [] };
      throw error;
    }
    const parsed = fileSchema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    await rename(this.#path, `${this.#path}.damaged`);
    this.#log.warn("the changes that wait for a plane could not be read and were put aside", { path: `${this.#path}.damaged` });
    return { waiting: [], dropped: [] };
  }
}

/**
 * The records with one more change: a later wish takes the place of an earlier one of its kind, and a deletion of all. Fails with
 * `deletion-waiting` or `change-limit`.
 */
export function withChange(records: ChangeRecords, change: QueuedChange): ChangeRecords {
  const isReplaced = (earlier: QueuedChange): boolean =>
    earlier.environmentId === change.environmentId && isOf(earlier, change) && (change.kind === "delete" || isSameWish(earlier, change));
  const isDeleted = records.waiting.some(
    (c) => c.kind === "delete" && c.environmentId === change.environmentId && isOf(c, change) && change.kind !== "delete",
  );
  if (isDeleted) throw new BerthError("deletion-waiting", change.environmentName);
  const waiting = [...records.waiting.filter((earlier) => !isReplaced(earlier)), change];
  if (waiting.length > maxWaiting) throw new BerthError("change-limit", `${maxWaiting}`);
  return { ...records, waiting };
}

function isSameWish(a: QueuedChange, b: QueuedChange): boolean {
  return a.kind === b.kind || (isPower(a) && isPower(b));
}

function isPower({ kind }: QueuedChange): boolean {
  return kind === "start" || kind === "stop";
}

function isOf(change: Owner, { organizationId, accountId }: Owner): boolean {
  return change.organizationId === organizationId && change.accountId === accountId;
}
