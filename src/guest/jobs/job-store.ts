import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "../../lib/atomic-file.ts";
import { isDiskFull, type JobContext, JobError, jobErrorCode, type JobKindName, type JobRecord, jobRecordSchema } from "./job.ts";
import { JobLog, readLog } from "./job-log.ts";

/** No name begins with a dot: neither a path of its own nor what is being removed. */
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** A job that was interrupted this often is what ends the machine; it counts as failed. */
const maxAttempts = 3;

interface LiveJob {
  readonly record: JobRecord;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

/**
 * Runs long work that outlives the host's connection and remembers it on the data disk. A job that was
 * running when the agent last ended was interrupted: nothing of it can still be going on, and it may be
 * started again under its id a few times before it counts as failed.
 */
export class JobStore {
  readonly #folder: string;
  readonly #now: () => number;
  readonly #records = new Map<string, JobRecord>();
  /** Attempts of interrupted jobs by key. */
  readonly #interrupted = new Map<string, number>();
  readonly #live = new Map<string, LiveJob>();
  /** Work that nobody waits for. */
  readonly #alongside = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>();
  #sequence = 0;
  readonly #listeners = new Set<(environmentId: string) => void>();
  readonly #logListeners = new Set<(environmentId: string) => void>();

  constructor(options: { readonly folder: string; readonly now: () => number }) {
    this.#folder = options.folder;
    this.#now = options.now;
  }

  /** Reads the jobs of earlier lives. Call before anything else. */
  async load(): Promise<void> {
    for (const environmentId of readNames(this.#folder)) {
      for (const jobId of readNames(join(this.#folder, environmentId, "jobs"))) {
        const record = this.#read(environmentId, jobId);
        if (record === undefined) continue;
        this.#sequence = Math.max(this.#sequence, record.sequence);
        if (record.state !== "running") {
          this.#records.set(key(environmentId, jobId), record);
        } else if (record.attempts < maxAttempts) {
          this.#interrupted.set(key(environmentId, jobId), record.attempts);
        } else {
          const failed = {
            ...record,
            state: "failed" as const,
            errorCode: "machine-crashed",
            errorMessage: `the machine ended ${record.attempts} times while this was going on`,
            finishedAtMs: this.#now(),
          };
          this.#records.set(key(environmentId, jobId), failed);
          await this.#save(failed);
        }
      }
    }
  }

  /** Starts a job unless one of this id exists already, and gives its record. */
  async start(options: {
    readonly id: string;
    readonly environmentId: string;
    readonly kind: JobKindName;
    readonly work: (context: JobContext) => Promise<void>;
  }): Promise<JobRecord> {
    if (!idPattern.test(options.id) || !idPattern.test(options.environmentId))
      throw new JobError("internal", "a job's id has letters, digits and . _ - only");
    const existing = this.#records.get(key(options.environmentId, options.id));
    if (existing !== undefined) return existing;
    const attempts = (this.#interrupted.get(key(options.environmentId, options.id)) ?? 0) + 1;
    this.#interrupted.delete(key(options.environmentId, options.id));
    const record: JobRecord = {
      id: options.id,
      environmentId: options.environmentId,
      kind: options.kind,
      state: "running",
      errorCode: "",
      errorMessage: "",
      sequence: ++this.#sequence,
      attempts,
      startedAtMs: this.#now(),
      steps: [],
      logBytes: 0,
    };
    this.#records.set(key(record.environmentId, record.id), record);
    try {
      mkdirSync(this.#jobFolder(record.environmentId, record.id), { recursive: true });
      await this.#save(record);
    } catch (error) {
      // What makes room on a full disk is done all the same, only not remembered.
      if (!(isDiskFull(error) && freesSpace(record.kind))) {
        this.#records.delete(key(record.environmentId, record.id));
        throw error;
      }
    }
    const abort = new AbortController();
    const done = this.#run(record, abort.signal, options.work);
    this.#live.set(key(record.environmentId, record.id), { record, abort, done });
    this.#announce(record.environmentId);
    return record;
  }

  /** Whether a job of another environment is going on. */
  runningElsewhere(environmentId: string): boolean {
    return [...this.#live.values()].some(({ record }) => record.environmentId !== environmentId);
  }

  get(environmentId: string, jobId: string): JobRecord | undefined {
    return this.#records.get(key(environmentId, jobId));
  }

  /** The newest job of each kind. */
  newest(environmentId: string): JobRecord[] {
    const newest = new Map<JobKindName, JobRecord>();
    for (const record of this.#records.values()) {
      if (record.environmentId !== environmentId) continue;
      const other = newest.get(record.kind);
      if (other === undefined || other.sequence <= record.sequence) newest.set(record.kind, record);
    }
    return [...newest.values()];
  }

  /** Asks a job to end and waits until it has. */
  async cancel(environmentId: string, jobId: string): Promise<void> {
    const live = this.#live.get(key(environmentId, jobId));
    live?.abort.abort(new Error("cancelled"));
    await live?.done;
  }

  /** Ends every job of an environment but one. */
  async cancelAll(environmentId: string, exceptJobId: string): Promise<void> {
    const others = [...this.#live.values()].filter(({ record }) => record.environmentId === environmentId && record.id !== exceptJobId);
    await Promise.all(others.map(async ({ record }) => this.cancel(environmentId, record.id)));
  }

  /** Does work that costs nothing when it fails; it ends at the latest when its environment is deleted. */
  alongside(environmentId: string, work: (signal: AbortSignal) => Promise<void>): void {
    const abort = new AbortController();
    const done = work(abort.signal)
      .catch(() => undefined)
      .finally(() => this.#alongside.delete(environmentId));
    this.#alongside.set(environmentId, { abort, done });
  }

  async endAlongside(environmentId: string): Promise<void> {
    const live = this.#alongside.get(environmentId);
    live?.abort.abort(new Error("cancelled"));
    await live?.done;
  }

  /** Drops what is remembered of an environment whose folder is gone. */
  forget(environmentId: string): void {
    for (const [name, record] of this.#records)
      if (record.environmentId === environmentId && !this.#live.has(name)) this.#records.delete(name);
  }

  readLog(environmentId: string, jobId: string, offset: number): Buffer {
    return readLog(join(this.#jobFolder(environmentId, jobId), "log"), offset);
  }

  /** Called after every change of a job; its log is not part of it. */
  onChange(listener: (environmentId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Called after every addition to a job's log. */
  onLog(listener: (environmentId: string) => void): () => void {
    this.#logListeners.add(listener);
    return () => this.#logListeners.delete(listener);
  }

  async #run(record: JobRecord, signal: AbortSignal, work: (context: JobContext) => Promise<void>): Promise<void> {
    const log = new JobLog(join(this.#jobFolder(record.environmentId, record.id), "log"));
    const context: JobContext = {
      signal,
      step: (name) => {
        this.#endStep(record, false);
        record.steps.push({ name, startedAtMs: this.#now(), failed: false, logOffset: log.size });
        this.#announce(record.environmentId);
      },
      log: (text) => {
        log.append(typeof text === "string" ? Buffer.from(text) : text);
        for (const listener of this.#logListeners) listener(record.environmentId);
      },
    };
    try {
      await work(context);
      record.state = "succeeded";
    } catch (error) {
      record.state = signal.aborted ? "cancelled" : "failed";
      record.errorCode = signal.aborted ? "canceled" : jobErrorCode(error);
      record.errorMessage = error instanceof Error ? error.message : String(error);
      log.append(Buffer.from(`${record.errorMessage}\n`));
    }
    this.#endStep(record, record.state !== "succeeded");
    record.finishedAtMs = this.#now();
    record.logBytes = log.size;
    this.#live.delete(key(record.environmentId, record.id));
    await this.#save(record).catch(() => undefined);
    this.#announce(record.environmentId);
  }

  #endStep(record: JobRecord, failed: boolean): void {
    const last = record.steps.at(-1);
    if (last === undefined || last.finishedAtMs !== undefined) return;
    last.finishedAtMs = this.#now();
    last.failed = failed;
  }

  #announce(environmentId: string): void {
    for (const listener of this.#listeners) listener(environmentId);
  }

  #jobFolder(environmentId: string, jobId: string): string {
    return join(this.#folder, environmentId, "jobs", jobId);
  }

  async #save(record: JobRecord): Promise<void> {
    await writeFileAtomically(join(this.#jobFolder(record.environmentId, record.id), "job.json"), JSON.stringify(record)).catch(
      (error: unknown) => {
        // A delete job removes its own folder.
        if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
      },
    );
  }

  #read(environmentId: string, jobId: string): JobRecord | undefined {
    try {
      const parsed = jobRecordSchema.safeParse(JSON.parse(readFileSync(join(this.#jobFolder(environmentId, jobId), "job.json"), "utf8")));
      return parsed.success ? parsed.data : undefined;
    } catch {
      return undefined;
    }
  }
}

function freesSpace(kind: JobKindName): boolean {
  return kind === "stop" || kind === "delete";
}

function key(environmentId: string, jobId: string): string {
  return `${environmentId}/${jobId}`;
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => idPattern.test(name));
  } catch {
    return [];
  }
}
