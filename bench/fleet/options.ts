import { parseArgs } from "node:util";

export interface FleetOptions {
  readonly database: "postgres" | "sqlite";
  readonly runners: number;
  /** On each runner. */
  readonly environments: number;
  readonly processes: number;
  /** HAProxy before the servers ends TLS; else they do it themselves. */
  readonly isProxied: boolean;
  /** How long statuses change. */
  readonly seconds: number;
  /** How often the status of each environment does. */
  readonly statusSeconds: number;
  /** A server is killed this often, in turn, and started again; 0: never. */
  readonly killSeconds: number;
}

/** Reads the flags; fails with a sentence that says what is wrong. */
export function parseFleetOptions(argv: readonly string[]): FleetOptions {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: {
      database: { ...text, default: "postgres" },
      runners: { ...text, default: "1000" },
      environments: { ...text, default: "10" },
      processes: { ...text, default: "1" },
      proxy: { type: "boolean", default: false },
      seconds: { ...text, default: "120" },
      "status-seconds": { ...text, default: "30" },
      "kill-seconds": { ...text, default: "0" },
    },
  });
  const { database } = values;
  if (database !== "postgres" && database !== "sqlite") throw new Error("--database is postgres or sqlite");
  const processes = numberOf("processes", values.processes, 1);
  if (database === "sqlite" && processes > 1) throw new Error("one process alone serves SQLite");
  return {
    database,
    processes,
    isProxied: values.proxy,
    runners: numberOf("runners", values.runners, 1),
    environments: numberOf("environments", values.environments, 1),
    seconds: numberOf("seconds", values.seconds, 1),
    statusSeconds: numberOf("status-seconds", values["status-seconds"], 1),
    killSeconds: numberOf("kill-seconds", values["kill-seconds"], 0),
  };
}

function numberOf(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) throw new Error(`--${name} is a number, ${least} or more`);
  return value;
}
