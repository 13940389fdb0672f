import { CommanderError } from "commander";
import { BerthError } from "../contract/berth-error.ts";
import { errorCatalogue } from "../contract/error-catalogue.ts";
import { messageOf } from "../lib/log.ts";
import { createProgram } from "./program.ts";

const usageExitCode = 2;

try {
  await createProgram(process.env).parseAsync();
  process.exit(0);
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : usageExitCode);
  if (error instanceof BerthError) {
    const { title, whatToTry } = errorCatalogue[error.code];
    process.stderr.write(`${title}: ${error.detail}\n${whatToTry}\n`);
    process.exit(error.code === "argument-invalid" ? usageExitCode : 1);
  }
  process.stderr.write(`${messageOf(error)}\n`);
  process.exit(1);
}
