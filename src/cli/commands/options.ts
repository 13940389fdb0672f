import { type Command, Option } from "commander";

/** `--json`, with the same words everywhere. */
export function jsonOption(): Option {
  return new Option("--json", "print JSON, one object a line, for scripts");
}

/** `--machine`, with the same words everywhere. */
export function machineOption(): Option {
  return new Option("--machine <machine>", "which: shared, or the name of an environment that has its own (without it: shared)");
}

export interface MachineOptions {
  readonly machine?: string;
}

/** `--no-wait`, and `--wait` for who wants to say it. */
export function addWaitOptions(command: Command, noWaitDescription: string): Command {
  return command
    .addOption(new Option("--wait", "wait until it is done (the default)").default(true).hideHelp())
    .option("--no-wait", noWaitDescription);
}

export interface WaitOptions {
  readonly wait: boolean;
  readonly json?: true;
}
