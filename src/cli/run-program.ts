import type { Command } from "commander";
import { reportFailure } from "./report.ts";

/** 128 plus SIGPIPE: whoever read the output has gone. */
const brokenPipeExitCode = 141;

/** Runs a command line and ends the process with its exit code (docs/CLI.md). */
export async function runProgram(program: Command): Promise<never> {
  process.stdout.on("error", () => process.exit(brokenPipeExitCode));
  let json = false;
  program.hook("preAction", (_program, command) => {
    json = command.opts<{ json?: true }>().json === true;
  });
  try {
    await program.parseAsync();
    process.exit();
  } catch (error) {
    process.exit(reportFailure(error, { json }));
  }
}
