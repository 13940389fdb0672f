import { fromConnectError } from "../contract/connect-error.ts";
import { BerthError } from "../contract/berth-error.ts";
import { type ErrorCode, errorCatalogue, errorEntry } from "../contract/error-catalogue.ts";
import type { Environment } from "../contract/gen/gitpod/v1/environment_pb.js";

/** Exit codes of the CLI (docs/CLI.md). */
const exitCodes: Readonly<Record<string, number>> = {
  invalid_argument: 2,
  not_found: 3,
  failed_precondition: 4,
  already_exists: 4,
  unavailable: 5,
  canceled: 130,
};

/** Text for people. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Prints a failure as a person can use it and gives the exit code. */
export function reportFailure(error: unknown): number {
  const failure = fromConnectError(error);
  const entry = errorEntry(failure.code);
  say(`${entry.title}: ${failure.detail}`);
  say(`  Why: ${entry.why}`);
  say(`  Try: ${entry.whatToTry}`);
  return exitCodes[entry.connectCode] ?? 1;
}

/** The exit code of a command whose environment runs, but in a recovery container. */
const recoveryExitCode = 6;

/** Tells what is wrong with an environment that runs all the same, and gives the exit code. */
export function reportTrouble(environment: Environment): number {
  for (const message of environment.status?.warningMessage ?? []) {
    const warning = asError(message);
    say(`Warning: ${errorEntry(warning.code).title}: ${warning.detail}`);
    say(`  Try: ${errorEntry(warning.code).whatToTry}`);
  }
  const failures = environment.status?.failureMessage ?? [];
  for (const message of failures) {
    say("It runs in a recovery container:");
    reportFailure(asError(message));
  }
  return failures.length === 0 ? 0 : recoveryExitCode;
}

/** A failure message of a status begins with its code. */
export function asError(message: string): BerthError {
  const at = message.indexOf(": ");
  const code = message.slice(0, at);
  return Object.hasOwn(errorCatalogue, code)
    ? new BerthError(code as ErrorCode, message.slice(at + 2))
    : new BerthError("internal", message);
}
