import type { Argument, Command, Option } from "commander";

/** Something that may come next on a command line. */
export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** What may stand where the cursor is: these, or whatever the shell knows of files. */
export type Completion = { readonly kind: "candidates"; readonly candidates: readonly Candidate[] } | { readonly kind: "files" };

export interface Known {
  /** Names of environments; empty when no host runs. */
  readonly environmentNames: () => Promise<readonly string[]>;
  /** The words an option or argument takes, by the command's and its own name. */
  readonly choices: Readonly<Record<string, readonly string[]>>;
}

const environmentArgument = "name";

/** Completes the last of `words`, which are what was typed after the program's name. */
export async function complete(program: Command, words: readonly string[], known: Known): Promise<Completion> {
  const current = words.at(-1) ?? "";
  const { command, rest } = descend(program, words.slice(0, -1));
  // What comes after -- or after the command of `exec` and `ssh` is for that command.
  if (rest.includes("--")) return { kind: "files" };
  const pending = optionThatTakes(command, rest.at(-1));
  if (pending !== undefined) return completeWord(`${command.name()} ${pending.attributeName()}`, current, known, pending.attributeName());
  if (current.startsWith("-")) return startingWith(current, visibleOptions(command));
  const subcommands = visibleCommands(command);
  if (subcommands.length > 0) return startingWith(current, subcommands);
  const argument = argumentAt(command, positionals(command, rest).length);
  if (argument === undefined) return { kind: "candidates", candidates: [] };
  return completeWord(`${command.name()} ${argument.name()}`, current, known, argument.name());
}

async function completeWord(key: string, current: string, known: Known, name: string): Promise<Completion> {
  const choices = known.choices[key];
  if (choices !== undefined) return startingWith(current, choices.map(plain));
  if (name === environmentArgument || name === "confirm") return startingWith(current, (await known.environmentNames()).map(plain));
  return { kind: "files" };
}

/** The command that words name, and the words after its name. */
function descend(program: Command, words: readonly string[]): { readonly command: Command; readonly rest: readonly string[] } {
  let command = program;
  let rest = words;
  for (;;) {
    const at = rest.findIndex((word) => !word.startsWith("-"));
    const next = command.commands.find((c) => at !== -1 && (c.name() === rest[at] || c.aliases().includes(rest[at] ?? "")));
    if (next === undefined) return { command, rest };
    command = next;
    rest = rest.slice(at + 1);
  }
}

function optionThatTakes(command: Command, word: string | undefined): Option | undefined {
  return command.options.find((option) => (option.required || option.optional) && (option.short === word || option.long === word));
}

function positionals(command: Command, words: readonly string[]): string[] {
  return words.filter((word, i) => !word.startsWith("-") && optionThatTakes(command, words[i - 1]) === undefined);
}

function argumentAt(command: Command, index: number): Argument | undefined {
  return command.registeredArguments[index] ?? command.registeredArguments.findLast((argument) => argument.variadic);
}

function visibleCommands(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((c) => ({ value: c.name(), description: c.summary() || c.description() }));
}

function visibleOptions(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap((option) => (option.long === undefined ? [] : [{ value: option.long, description: option.description }]));
}

function startingWith(current: string, all: readonly Candidate[]): Completion {
  return { kind: "candidates", candidates: all.filter(({ value }) => value.startsWith(current)) };
}

function plain(value: string): Candidate {
  return { value, description: "" };
}
