import { z } from "zod";
import type { ErrorCode } from "../../contract/error-catalogue.ts";

/** One step of a job as people see it. */
const stepSchema = z.object({
  name: z.string(),
  startedAtMs: z.number(),
  finishedAtMs: z.number().optional(),
  failed: z.boolean().default(false),
  /** Where in the job's log it begins. */
  logOffset: z.number().default(0),
});

/** job.json: what a restarted agent knows of a job. */
export const jobRecordSchema = z.object({
  id: z.string(),
  environmentId: z.string(),
  kind: z.enum(["clone", "devcontainer-up", "stop", "delete"]),
  state: z.enum(["running", "succeeded", "failed", "cancelled"]),
  errorCode: z.string().default(""),
  errorMessage: z.string().default(""),
  /** Counts up with every job of the machine; the clock may jump back. */
  sequence: z.number().default(0),
  /** How often it was begun: a crash of the machine interrupts a job, and it is begun again. */
  attempts: z.number().default(1),
  startedAtMs: z.number(),
  finishedAtMs: z.number().optional(),
  steps: z.array(stepSchema).default([]),
  /** Length of its log, once it has ended. */
  logBytes: z.number().default(0),
});

export type JobRecord = z.infer<typeof jobRecordSchema>;
export type JobKindName = JobRecord["kind"];

/** What a job's work uses to tell how it goes. */
export interface JobContext {
  readonly signal: AbortSignal;
  /** Ends the step before it. */
  step(name: string): void;
  log(text: string | Buffer): void;
}

/** A failure with a code of the error catalogue, thrown by a job's work. */
export class JobError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

/** The catalogue's code for whatever a job's work threw. */
export function jobErrorCode(error: unknown): ErrorCode {
  if (error instanceof JobError) return error.code;
  return isDiskFull(error) ? "data-disk-full" : "internal";
}
