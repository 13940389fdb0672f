import { type Argument, Command } from "commander";
import { version } from "../lib/version.ts";
import { registerCompletion } from "./commands/completion.ts";
import { registerContext } from "./commands/context.ts";
import { registerCreate } from "./commands/create.ts";
import { registerDoctor } from "./commands/doctor.ts";
import { registerExec } from "./commands/exec.ts";
import { registerHost } from "./commands/host.ts";
import { registerInspect } from "./commands/inspect.ts";
import { registerLifecycle } from "./commands/lifecycle.ts";
import { registerLogs } from "./commands/logs.ts";
import { registerMachine } from "./commands/machine.ts";
import { registerOpen } from "./commands/open.ts";
import { registerRunner } from "./commands/runner.ts";
import { registerSsh } from "./commands/ssh.ts";
import { registerShare } from "./commands/share.ts";
import { registerSync } from "./commands/sync.ts";
import { registerUi } from "./commands/ui.ts";
import { registerVersion } from "./commands/version.ts";

/** The whole command line. */
export function createProgram(): Command {
  const program = new Command("berth")
    .description("Local development environments: a repository's dev container in a Linux machine on this computer.")
    .version(version, "-V, --version", "print the version")
    .addHelpText(
      "after",
      `
Examples:
  berth create https://github.com/owner/repository
  berth create .
  berth open NAME
  ssh NAME.berth

More about a command: berth help COMMAND. Exit codes and JSON: docs/CLI.md.`,
    );
  // Subcommands take these over when they are made.
  program
    .enablePositionalOptions()
    .exitOverride()
    .helpOption("-h, --help", "print this help")
    .configureHelp({ subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(argumentTerm)].join(" ") });

  program.commandsGroup("Environments:");
  registerCreate(program);
  registerInspect(program);
  registerLifecycle(program);
  program.commandsGroup("Work in one:");
  registerOpen(program);
  registerSsh(program);
  registerExec(program);
  registerLogs(program);
  registerShare(program);
  registerSync(program);
  program.commandsGroup("Berth itself:").helpCommand("help [command]", "Print what a command does and takes");
  registerDoctor(program);
  registerMachine(program);
  registerUi(program);
  registerContext(program);
  registerHost(program);
  registerRunner(program);
  registerCompletion(program);
  registerVersion(program);
  return program;
}

function argumentTerm(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}
