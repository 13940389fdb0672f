import { pino } from "pino";
import type { Log } from "../lib/log.ts";

/** A log as JSON lines in a file; written at once, so that the last words before a crash are there. */
export function fileLog(path: string): Log {
  return pinoLog(pino({ level: "info" }, pino.destination({ dest: path, append: true, sync: true })));
}

/** The same to the standard error stream, where a service manager keeps it, and to a file. */
export function serviceLog(path: string): Log {
  const streams = [
    { stream: pino.destination({ fd: 2, sync: true }) },
    { stream: pino.destination({ dest: path, append: true, sync: true }) },
  ];
  return pinoLog(pino({ level: "info" }, pino.multistream(streams)));
}

function pinoLog(logger: pino.Logger): Log {
  return {
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
    child: (fields) => pinoLog(logger.child(fields)),
  };
}
