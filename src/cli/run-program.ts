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
  } catch (error) {
    process.exitCode = reportFailure(error, { json });
  }
  // What a slow reader of a pipe has not taken yet would be lost.
  await Promise.all([process.stdout, process.stderr].map(written));
  process.exit();
}

async function written(stream: NodeJS.WriteStream): Promise<void> {
  await new Promise<void>((resolve) => stream.write("", () => resolve()));
}
