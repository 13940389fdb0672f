import { createInterface } from "node:readline/promises";
import { BerthError } from "../contract/berth-error.ts";

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
