import { createInterface } from "node:readline/promises";
import { addAbortSignal, type Readable } from "node:stream";
import type { ReadStream } from "node:tty";
import { BerthError } from "../contract/berth-error.ts";
import { abortable } from "../lib/abortable.ts";

/** Asks for each of the names to be typed. Fails with `confirmation-missing` at the first that is not. */
export async function askForNames(names: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // On a terminal, readline takes Ctrl-C for itself.
  lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    for (const name of names) {
      const typed = await lines.question(`Type ${name} to lose it: `, { signal });
      if (typed.trim() !== name) throw new BerthError("confirmation-missing", `'${typed.trim()}' is not '${name}'; nothing was changed`);
    }
    return names;
  } finally {
    lines.close();
  }
}

/** Longer than any token is. */
const maxSecretLength = 16 * 1024;
const ctrlC = "\u0003";
/** Enter, and Ctrl-D. */
const lineEnds: ReadonlySet<string> = new Set(["\r", "\n", "\u0004"]);
const backspaces: ReadonlySet<string> = new Set(["\b", "\u007F"]);

/** Reads a secret from the standard input: a line that is asked for and not shown at a terminal, else all there is. */
export async function readSecret(question: string, signal: AbortSignal): Promise<string> {
  const { stdin } = process;
  if (!stdin.isTTY) return readAll(addAbortSignal(signal, stdin));
  process.stderr.write(question);
  // Set back even if this fails: a terminal that shows nothing looks broken.
  stdin.setRawMode(true);
  try {
    return await abortable(typedLine(stdin), signal);
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    process.stderr.write("\n");
  }
}

async function readAll(input: Readable): Promise<string> {
  let text = "";
  for await (const part of input.setEncoding("utf8")) {
    text += part;
    if (text.length > maxSecretLength) throw new BerthError("argument-invalid", `more than ${maxSecretLength} characters were given`);
  }
  return text;
}

async function typedLine(stdin: ReadStream): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let typed = "";
  const onData = (text: string): void => {
    for (const character of text) {
      // In this mode the terminal leaves it to the program.
      if (character === ctrlC) return void process.kill(process.pid, "SIGINT");
      if (lineEnds.has(character)) return resolve(typed);
      if (backspaces.has(character)) typed = typed.slice(0, -1);
      else if (character >= " " && typed.length < maxSecretLength) typed += character;
    }
  };
  stdin
    .setEncoding("utf8")
    .on("data", onData)
    .once("end", () => resolve(typed));
  return promise.finally(() => stdin.off("data", onData));
}
