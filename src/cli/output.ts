import { formatTable, type Column } from "./format.ts";

/** A result for people or for scripts, on stdout. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One object, on a line of its own. */
export function printJson(value: object): void {
  print(JSON.stringify(value));
}

/** Text for people, on stderr. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Aligned lines, cut to the terminal; in a pipe they are whole. */
export function printTable(columns: readonly Column[], rows: readonly (readonly string[])[]): void {
  for (const line of formatTable(columns, rows, process.stdout.columns || Number.POSITIVE_INFINITY)) print(line);
}
