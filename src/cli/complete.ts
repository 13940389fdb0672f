import type { Command, Option } from "commander";

/** Something that may come next on a command line. */
export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** What may stand where the cursor is: these, or whatever the shell knows of files. */
export type Completion = { readonly kind: "candidates"; readonly candidates: readonly Candidate[] } | { readonly kind: "files" };

/** What an argument or option takes. */
export type Values = "environments" | "contexts" | "files" | readonly string[];

export interface Known {
  /** Names of environments; empty when no host runs. */
  readonly environmentNames: () => Promise<readonly string[]>;
  /** Names of contexts; empty when no host runs. */
  readonly contextNames: () => Promise<readonly string[]>;
  /**
   * By the command's name and the argument's or option's own, e.g. "open --editor"; by an option's own alone for all
   * commands. Arguments called `name` are environments.
   */
  readonly values: Readonly<Record<string, Values>>;
}

/** Completes the last of `words`, which are what was typed after the program's name. */
export async function complete(program: Command, words: readonly string[], known: Known): Promise<Completion> {
  const current = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const isHelp = before[0] === "help";
  const { command, rest } = descend(program, isHelp ? before.slice(1) : before);
  const pending = optionThatTakes(command, rest.at(-1));
  if (pending !== undefined) return completeValue(valuesOf(command, pending, known), current, known);
  if (command.commands.length > 0) return startingWith(current, rest.length > 0 ? [] : subcommandsOrOptions(command, current));
  if (isHelp) return startingWith(current, []);
  // What comes after the name is for the command that exec or ssh runs.
  const given = positionals(command, rest);
  const passesOn = given.length > 0 && command.registeredArguments.at(-1)?.variadic === true;
  if (current.startsWith("-")) return startingWith(current, passesOn ? [] : visibleOptions(command));
  const argument = command.registeredArguments[given.length];
  if (argument === undefined) return startingWith(current, []);
  const isEnvironment = argument.name() === "name";
  return completeValue(isEnvironment ? "environments" : known.values[`${command.name()} ${argument.name()}`], current, known);
}

/** What an option takes; one that every command has in common is known by its own name alone. */
function valuesOf(command: Command, { long = "", argChoices }: Option, { values }: Known): Values | undefined {
  return values[`${command.name()} ${long}`] ?? values[long] ?? argChoices;
}

async function completeValue(values: Values | undefined, current: string, known: Known): Promise<Completion> {
  if (values === "files") return { kind: "files" };
  const words = await wordsOf(values, known);
  return startingWith(
    current,
    words.map((value) => ({ value, description: "" })),
  );
}

async function wordsOf(values: Exclude<Values, "files"> | undefined, known: Known): Promise<readonly string[]> {
  switch (values) {
    case "environments":
      return known.environmentNames();
    case "contexts":
      return known.contextNames();
    default:
      return values ?? [];
  }
}

function subcommandsOrOptions(command: Command, current: string): Candidate[] {
  return current.startsWith("-") ? visibleOptions(command) : visibleCommands(command);
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
  if (word === undefined) return undefined;
  return command.options.find((option) => (option.required || option.optional) && (option.short === word || option.long === word));
}

function positionals(command: Command, words: readonly string[]): string[] {
  return words.filter((word, i) => !word.startsWith("-") && optionThatTakes(command, words[i - 1]) === undefined);
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
