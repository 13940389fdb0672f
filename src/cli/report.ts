import { CommanderError } from "commander";
import { Code, ConnectError } from "@connectrpc/connect";
import { BerthError } from "../contract/berth-error.ts";
import { fromConnectError } from "../contract/connect-error.ts";
import { type ErrorCode, errorCatalogue, errorEntry } from "../contract/error-catalogue.ts";
import type { Environment } from "../contract/gen/gitpod/v1/environment_pb.js";
import { Interrupted } from "./interrupt.ts";
import { printJson, say } from "./output.ts";

/** Exit codes of the CLI by the Connect code of a failure (docs/CLI.md); 1 for all others. */
const exitCodes: Readonly<Record<string, number>> = {
  invalid_argument: 2,
  not_found: 3,
  unauthenticated: 4,
  permission_denied: 4,
  failed_precondition: 4,
  already_exists: 4,
  unavailable: 5,
  canceled: 130,
};
const usageExitCode = 2;
/** The environment runs, but in a recovery container. */
const recoveryExitCode = 6;

/** A failure with a word on what there is to do now, which is said after it. */
export class FailureWithAdvice extends Error {
  override readonly name = "FailureWithAdvice";
  readonly advice: string;

  constructor(cause: unknown, advice: string) {
    super(advice, { cause });
    this.advice = advice;
  }
}

/** Prints a failure as a person can use it, and as JSON when that was asked for, and gives the exit code. */
export function reportFailure(error: unknown, options: { readonly json: boolean }): number {
  if (error instanceof FailureWithAdvice) {
    const exitCode = reportFailure(error.cause, options);
    say(error.advice);
    return exitCode;
  }
  // Whoever was interrupted has said what goes on.
  if (error instanceof Interrupted) return error.exitCode;
  // Commander has printed it.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageExitCode;
  const failure = fromHost(error);
  const entry = errorEntry(failure.code);
  if (options.json) {
    const { title, why, whatToTry } = entry;
    printJson({ error: { code: failure.code, title, detail: failure.detail, why, whatToTry } });
  }
  sayFailure(failure);
  return exitCodes[entry.connectCode] ?? 1;
}

/** Tells what is wrong with an environment that runs all the same, and gives the exit code. */
export function reportTrouble({ status }: Environment): number {
  return reportMessages(status?.warningMessage ?? [], status?.failureMessage ?? []);
}

/** The same for messages that came in another way. */
export function reportMessages(warnings: readonly string[], failures: readonly string[]): number {
  for (const message of warnings) {
    const warning = asError(message);
    say(`Warning: ${errorEntry(warning.code).title}: ${warning.detail}`);
    say(`  Try: ${errorEntry(warning.code).whatToTry}`);
  }
  for (const message of failures) {
    say("It runs in a recovery container:");
    sayFailure(asError(message));
  }
  return failures.length === 0 ? 0 : recoveryExitCode;
}

/** A failure message of a status begins with its code. */
export function asError(message: string): BerthError {
  const at = message.indexOf(": ");
  const code = message.slice(0, at);
  return isErrorCode(code) ? new BerthError(code, message.slice(at + 2)) : new BerthError("internal", message);
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}

function sayFailure({ code, detail }: BerthError): void {
  const entry = errorEntry(code);
  say(`${entry.title}: ${detail}`);
  say(`  Why: ${entry.why}`);
  say(`  Try: ${entry.whatToTry}`);
}

/** A connection that broke is the host's end, not the machine's. */
function fromHost(error: unknown): BerthError {
  const failure = fromConnectError(error);
  const isBroken = error instanceof ConnectError && (error.code === Code.Unavailable || error.code === Code.Aborted);
  return isBroken && error.details.length === 0
    ? new BerthError("host-not-running", `its connection ended: ${error.rawMessage}`, { cause: error })
    : failure;
}
