import type { Command } from "commander";
import { expect, test } from "vitest";
import { complete, type Known } from "./complete.ts";
import { createProgram } from "./program.ts";

const known: Known = {
  environmentNames: async () => ["web", "api", "with space"],
  contextNames: async () => ["work", "home"],
  values: {
    "completion shell": ["bash", "zsh"],
    "open --editor": ["vscode", "zed"],
    "create source": "files",
    "create --class": ["shared", "dedicated"],
    "reset --confirm": "environments",
    "--machine": "environments",
    "--context": "contexts",
    "sign-in context": "contexts",
  },
};

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

test("every command, argument and option has a description", () => {
  const bare = allCommands(createProgram()).flatMap((command) =>
    [
      { name: command.name(), description: command.description() },
      ...(command.name() === "__complete" ? [] : command.registeredArguments).map((a) => ({ name: a.name(), description: a.description })),
      ...command.options.map((o) => ({ name: o.flags, description: o.description })),
    ]
      .filter(({ description }) => description === "")
      .map(({ name }) => `${command.name()} ${name}`),
  );
  expect(bare).toEqual([]);
});

async function completions(...words: readonly string[]): Promise<readonly string[] | "files"> {
  const completion = await complete(createProgram(), words, known);
  return completion.kind === "files" ? "files" : completion.candidates.map((c) => c.value);
}

test.each<[readonly string[], readonly string[] | "files"]>([
  [["cr"], ["create"]],
  [["context", "sign-in", "w"], ["work"]],
  [
    ["list", "--context", ""],
    ["work", "home"],
  ],
  [
    ["machine", "st"],
    ["status", "start", "stop"],
  ],
  [["help", "machine", "rese"], ["reset"]],
  [
    ["show", ""],
    ["web", "api", "with space"],
  ],
  [
    ["show", "--json", "w"],
    ["web", "with space"],
  ],
  [["rm", "a"], ["api"]],
  [["show", "web", ""], []],
  [["rename", "web", ""], []],
  [["create", ""], "files"],
  [["create", "--name", ""], []],
  [["create", "--devcontainer", ""], []],
  [["create", "--class", "d"], ["dedicated"]],
  [["machine", "suspend", "--machine", "a"], ["api"]],
  [["open", "web", "--editor", "z"], ["zed"]],
  [
    ["open", "-e", ""],
    ["vscode", "zed"],
  ],
  [["open", "--e"], ["--editor"]],
  [["machine", "reset", "--confirm", "a"], ["api"]],
  [
    ["exec", "-w", "/tmp", "w"],
    ["web", "with space"],
  ],
  [["exec", "web", ""], []],
  [["exec", "web", "--", "ls", "--"], []],
  [
    ["completion", ""],
    ["bash", "zsh"],
  ],
  [["no-such-command", ""], []],
])("%j is completed", async (words, expected) => {
  expect(await completions(...words)).toEqual(expected);
});

test("what is hidden is not offered", async () => {
  expect(await completions("")).not.toContain("__complete");
  expect(await completions("create", "--")).not.toContain("--wait");
  expect(await completions("create", "--")).toContain("--no-wait");
});
