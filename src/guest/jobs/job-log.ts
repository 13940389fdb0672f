import { appendFileSync, closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";

/** A job's log grows no further than this; what follows is dropped with a note. */
const maxLogBytes = 32 * 1024 * 1024;
const readChunkBytes = 64 * 1024;

/** Appends to a job's log until it is full. */
export class JobLog {
  readonly #path: string;
  #size: number;

  constructor(path: string) {
    this.#path = path;
    this.#size = logSize(path);
  }

  get size(): number {
    return this.#size;
  }

  /** What cannot be written is left out: a full or broken disk must end neither the agent nor the job that would make room. */
  append(data: Buffer): void {
    if (this.#size >= maxLogBytes) return;
    const isLast = this.#size + data.length >= maxLogBytes;
    const appended = isLast ? Buffer.concat([data, Buffer.from("\n[the log is full; the rest is left out]\n")]) : data;
    try {
      appendFileSync(this.#path, appended);
      this.#size += appended.length;
    } catch {
      this.#size = logSize(this.#path);
    }
  }
}

/** The bytes of a log from an offset on, at most one chunk; empty at its end. */
export function readLog(path: string, offset: number): Buffer {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return Buffer.alloc(0);
  }
  try {
    const length = Math.min(readChunkBytes, Math.max(0, fstatSync(fd).size - offset));
    const buffer = Buffer.alloc(length);
    return buffer.subarray(0, readSync(fd, buffer, 0, length, offset));
  } finally {
    closeSync(fd);
  }
}

function logSize(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}
