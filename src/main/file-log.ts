import { appendFileSync, mkdirSync, renameSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Log } from "../lib/log.ts";

const maxBytes = 2 * 1024 * 1024;

/** The app's own log: lines of JSON; an older half is kept beside it. */
export function fileLog(path: string, bound: Readonly<Record<string, unknown>> = {}): Log {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const write = (level: string, message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > maxBytes) renameSync(path, `${path}.1`);
    appendFileSync(path, `${JSON.stringify({ time: new Date().toISOString(), level, message, ...bound, ...fields })}\n`, { mode: 0o600 });
  };
  return {
    info: (message, fields) => write("info", message, fields),
    warn: (message, fields) => write("warn", message, fields),
    error: (message, fields) => write("error", message, fields),
    child: (fields) => fileLog(path, { ...bound, ...fields }),
  };
}
