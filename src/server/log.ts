import { pino } from "pino";
import type { Log } from "../lib/log.ts";

/** A log as JSON lines on stdout. */
export function stdoutLog(level: string): Log {
  return pinoLog(pino({ level }, pino.destination({ dest: 1, sync: true })));
}

function pinoLog(logger: pino.Logger): Log {
  return {
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
    child: (fields) => pinoLog(logger.child(fields)),
  };
}
