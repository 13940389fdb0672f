import { z } from "zod";
import { readFileSync } from "node:fs";
import { BerthError } from "../contract/berth-error.ts";
import { gatewayOf, gatewaySettings, gatewayVariables } from "./gateway-config.ts";
import { signInDefaults, signInSettings, signInVariables } from "./sign-in-config.ts";
import { tracingDefaults, tracingSettings, tracingVariables } from "./tracing-config.ts";

const listenPattern = /^(?:\[([0-9a-f:]+)\]|([^:\s]+)):(\d{1,5})$/i;
const maxPort = 65_535;

/** An address to listen on; port 0 takes any that is free. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const listenAddress = z.string().transform((text, context): ListenAddress => {
  const [, v6, host = v6, port] = listenPattern.exec(text) ?? [];
  if (host !== undefined && Number(port) <= maxPort) return { host, port: Number(port) };
  context.addIssue({ code: "custom", message: `'${text}' is no HOST:PORT` });
  return z.NEVER;
});

const seconds = z.coerce.number().min(0).max(3600);

const configSchema = z.object({
  listen: listenAddress,
  metricsListen: listenAddress.optional(),
  databaseUrl: z.string().min(1, "--database-url is missing: postgres://… or the path of a SQLite file"),
  keyFile: z.string().min(1, "--key-file is missing: the file of the key that seals secrets; it is made when it is not there"),
  oldKeyFiles: z.string().transform((text) => text.split(",").filter((file) => file !== "")),
  tlsCert: z.string().optional(),
  tlsKey: z.string().optional(),
  logLevel: z.enum(["debug", "info", "warn", "error", "silent"]),
  drainLimitSeconds: seconds,
  drainDelaySeconds: seconds,
  ...gatewaySettings,
  ...signInSettings,
  ...tracingSettings,
});

/** How the server runs; every value comes from a flag or from the environment. */
export type ServerConfig = z.infer<typeof configSchema>;

const defaults = {
  oldKeyFiles: "",
  listen: "127.0.0.1:7410",
  logLevel: "info",
  drainLimitSeconds: "20",
  drainDelaySeconds: "0",
  ...signInDefaults,
  ...tracingDefaults,
};

/** The environment variable of each flag. */
export const variables = {
  listen: "BERTH_PLANE_LISTEN",
  metricsListen: "BERTH_PLANE_METRICS_LISTEN",
  databaseUrl: "BERTH_PLANE_DATABASE_URL",
  databaseUrlFile: "BERTH_PLANE_DATABASE_URL_FILE",
  keyFile: "BERTH_PLANE_KEY_FILE",
  oldKeyFiles: "BERTH_PLANE_OLD_KEY_FILES",
  tlsCert: "BERTH_PLANE_TLS_CERT",
  tlsKey: "BERTH_PLANE_TLS_KEY",
  logLevel: "BERTH_PLANE_LOG_LEVEL",
  drainLimitSeconds: "BERTH_PLANE_DRAIN_LIMIT_SECONDS",
  drainDelaySeconds: "BERTH_PLANE_DRAIN_DELAY_SECONDS",
  ...gatewayVariables,
  ...signInVariables,
  ...tracingVariables,
} as const;

/** What the command line gives; all of it is text. */
export type Flags = Partial<Record<keyof typeof variables, string>>;

/** Flags before the environment before defaults. Fails with `argument-invalid`, naming what is wrong. */
export function readConfig(flags: Flags, env: NodeJS.ProcessEnv): ServerConfig {
  const given: Record<string, string> = { databaseUrl: "", keyFile: "", ...defaults };
  for (const [name, variable] of Object.entries(variables)) {
    const fromEnvironment = env[variable];
    if (fromEnvironment !== undefined && fromEnvironment !== "") given[name] = fromEnvironment;
  }
  for (const [name, value] of Object.entries(flags)) if (value !== undefined) given[name] = value;
  const { databaseUrlFile } = given;
  if (databaseUrlFile !== undefined && flags.databaseUrl === undefined) given["databaseUrl"] = readFileSync(databaseUrlFile, "utf8").trim();
  const parsed = configSchema.safeParse(given);
  if (!parsed.success) throw new BerthError("argument-invalid", parsed.error.issues.map(sentenceOf).join("; "));
  if ((parsed.data.tlsCert === undefined) !== (parsed.data.tlsKey === undefined))
    throw new BerthError("argument-invalid", "--tls-cert and --tls-key go together");
  gatewayOf(parsed.data);
  return parsed.data;
}

function sentenceOf({ path, message }: z.core.$ZodIssue): string {
  return message.startsWith("--") ? message : `${path.join(".")}: ${message}`;
}
