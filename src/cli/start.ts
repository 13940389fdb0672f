import { Command } from "commander";
import { showUi } from "./commands/ui.ts";
import { connectHost } from "./connection.ts";
import { createAndWait, describeReady, readSource } from "./create.ts";
import { interruptible } from "./interrupt.ts";
import { print, printJson, say } from "./output.ts";
import { reportTrouble } from "./report.ts";
import { runProgram } from "./run-program.ts";
import { jsonOption } from "./commands/options.ts";

interface StartOptions {
  readonly window: boolean;
  readonly json?: true;
}

const hint = `Berth is running. Make an environment there, or here:

  npm start -- https://github.com/owner/repository
  npm start -- samples/node-web`;

/** `npm start -- <url|folder> [--json] [--no-window]`: from nothing to a running environment; the host stays up. */
const program = new Command("npm start --")
  .exitOverride()
  .argument("[source]", "a git address, a page of a repository, or a folder; the environment made of it before is started again")
  .description("Start Berth, and an environment of a repository or folder.")
  .addOption(jsonOption())
  .option("--no-window", "open no window")
  .action(async (source: string | undefined, options: StartOptions) => {
    process.exitCode = await interruptible(async (signal) => start(source, options, signal));
  });

async function start(given: string | undefined, { json, window }: StartOptions, signal: AbortSignal): Promise<number> {
  const begunAtMs = performance.now();
  const source = given === undefined ? undefined : await readSource(given);
  const clients = await connectHost({ signal });
  if (source === undefined) {
    if (window && !json) await showUi(clients, true);
    say(hint);
    return 0;
  }
  say(`Making an environment of ${given}`);
  const ready = await createAndWait(clients, source, { name: "", devcontainer: "", dedicated: false, reuse: true }, signal);
  const exitCode = reportTrouble(ready.environment);
  if (json) printJson(ready.created);
  else print(`\n${describeReady(ready, performance.now() - begunAtMs)}\n\nStop everything with: npm run host -- stop`);
  return exitCode;
}

await runProgram(program);
