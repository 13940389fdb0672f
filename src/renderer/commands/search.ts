import type { Command } from "./registry.ts";

const maxFound = 50;

/** The commands whose title, section or keywords hold every word typed; those that begin with it first. */
export function search(commands: readonly Command[], query: string): Command[] {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return commands
    .flatMap((command) => {
      const score = scoreOf(command, words);
      return score === undefined ? [] : [{ command, score }];
    })
    .toSorted((a, b) => b.score - a.score)
    .slice(0, maxFound)
    .map(({ command }) => command);
}

function scoreOf({ title, section, keywords = "" }: Command, words: readonly string[]): number | undefined {
  const name = title.toLowerCase();
  const rest = `${section} ${keywords}`.toLowerCase();
  let score = 0;
  for (const word of words) {
    if (name.startsWith(word)) score += 4;
    else if (name.includes(` ${word}`)) score += 3;
    else if (name.includes(word)) score += 2;
    else if (rest.includes(word)) score += 1;
    else return undefined;
  }
  return score;
}
