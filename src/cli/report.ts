import { fromConnectError } from "../contract/connect-error.ts";
import { errorEntry } from "../contract/error-catalogue.ts";

/** Exit codes of the CLI (docs/CLI.md). */
const exitCodes: Readonly<Record<string, number>> = { invalid_argument: 2, not_found: 3, failed_precondition: 4, already_exists: 4, unavailable: 5, canceled: 130 };

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
