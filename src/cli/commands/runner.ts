import { type Command, Option } from "commander";
import { readFileSync } from "node:fs";
import { BerthError } from "../../contract/berth-error.ts";
import { parsePlaneAddress } from "../../contract/plane-address.ts";
import type { SetupRequest } from "../../lib/runner-messages.ts";
import { interruptible } from "../interrupt.ts";
import { printJson, say } from "../output.ts";
import { askRunnerProgram, tellReport } from "../runner-program.ts";
import { jsonOption } from "./options.ts";
import { registerRunnerDelete } from "./runner-delete.ts";
import { registerRunnerStatus } from "./runner-status.ts";
import { registerRunnerUninstall } from "./runner-uninstall.ts";

interface SetupOptions {
  readonly exchangeToken?: string;
  readonly exchangeTokenFile?: string;
  readonly plane?: string;
  readonly standAlone?: true;
  readonly dryRun?: true;
  readonly root: string;
  readonly metricsPort?: string;
  readonly channel: "stable" | "beta";
  readonly updateFeed?: string;
  readonly updateWindow?: string;
  readonly json?: true;
}

/** `berth runner …`: this computer as a runner, without a window. */
export function registerRunner(program: Command): void {
  const runner = program
    .command("runner")
    .description("This computer as a runner of a plane, without a window: setup, run, status, uninstall");
  runner
    .command("setup")
    .description("Check this computer and make it a runner, as a service of systemd; changes nothing when a check fails")
    .option("--exchange-token <token>", "from the plane, works once; other users may see it while this runs, so rather give a file")
    .option("--exchange-token-file <file>", "a file with the token; - is standard input")
    .option("--plane <url>", "the plane's API")
    .option("--stand-alone", "without a plane: with one of its own, for who is on this computer")
    .option("--dry-run", "only tell what would be done")
    .addOption(new Option("--root <folder>", "another root of the file system, e.g. an image's").default("/").hideHelp())
    .option("--metrics-port <port>", "serve metrics on this port of 127.0.0.1 too")
    .addOption(new Option("--channel <channel>", "which releases it updates to").choices(["stable", "beta"]).default("stable"))
    .option("--update-feed <url>", "where releases are; without one it does not update by itself")
    .option("--update-window <hours>", "hours in UTC in which it updates, e.g. 22-04")
    .addOption(jsonOption())
    .action(async (options: SetupOptions) => interruptible(async (signal) => setUp(options, signal)));
  runner
    .command("run")
    .description("Be a runner in the foreground until it is ended; machines run on")
    .action(async () => interruptible(async (signal) => askRunnerProgram({ command: "run" }, () => undefined, signal)));
  registerRunnerStatus(runner);
  registerRunnerDelete(runner);
  registerRunnerUninstall(runner);
}

async function setUp(options: SetupOptions, signal: AbortSignal): Promise<void> {
  const { dryRun = false, json } = options;
  const request: SetupRequest = {
    command: "setup",
    ...given("exchangeToken", tokenOf(options)),
    ...given("planeUrl", options.plane === undefined ? undefined : parsePlaneAddress(options.plane).href),
    standAlone: options.standAlone ?? false,
    dryRun,
    root: options.root,
    ...given("metricsPort", options.metricsPort === undefined ? undefined : portOf(options.metricsPort)),
    channel: options.channel,
    ...given("updateFeed", options.updateFeed === undefined ? undefined : urlOf(options.updateFeed)),
    ...given("updateWindow", options.updateWindow),
  };
  await askRunnerProgram(request, (report) => tellReport(report, json), signal);
  if (json) printJson({ setUp: !dryRun });
  else say(dryRun ? "Nothing was changed." : "This computer is a runner. See: sudo berth runner status");
}

function tokenOf({ exchangeToken, exchangeTokenFile: file }: SetupOptions): string | undefined {
  if (file === undefined) return exchangeToken;
  if (exchangeToken !== undefined) throw new BerthError("argument-invalid", "the exchange token is given twice");
  let token: string;
  try {
    token = readFileSync(file === "-" ? 0 : file, "utf8").trim();
  } catch (error) {
    throw new BerthError("argument-invalid", `the exchange token could not be read from ${file}`, { cause: error });
  }
  if (token === "") throw new BerthError("argument-invalid", `there is no exchange token in ${file}`);
  return token;
}

function urlOf(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new BerthError("argument-invalid", `'${text}' is no http or https address`);
  return text;
}

function portOf(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new BerthError("argument-invalid", `'${text}' is no port`);
  return port;
}

/** An optional field that is left out where there is nothing to say. */
function given<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]?: Value });
}
