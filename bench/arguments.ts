import { parseArgs } from "node:util";

const benchmarkNames = [
  "cold",
  "resume",
  "wake",
  "fork",
  "ten",
  "reclaim",
  "machine-idle",
  "create",
  "files",
  "idle",
  "network",
  "window",
  "terminal",
  "bundle",
] as const;
export type BenchmarkName = (typeof benchmarkNames)[number];

export interface BenchArguments {
  readonly only: readonly BenchmarkName[];
  readonly jsonPath: string | undefined;
  /** Pairs of each measurement; undefined is each benchmark's own number. */
  readonly pairs: number | undefined;
}

/** Reads `[--only NAME]… [--json FILE] [--pairs N]`; fails with a sentence that says what is wrong. */
export function parseBenchArguments(argv: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...argv],
    options: { only: { type: "string", multiple: true }, json: { type: "string" }, pairs: { type: "string" } },
  });
  const wanted = (values.only ?? []).flatMap((names) => names.split(","));
  const only = wanted.map((name) => {
    const known = benchmarkNames.find((other) => other === name);
    if (known === undefined) throw new Error(`there is no benchmark '${name}'; there are ${benchmarkNames.join(", ")}`);
    return known;
  });
  const pairs = values.pairs === undefined ? undefined : Number(values.pairs);
  if (pairs !== undefined && (!Number.isInteger(pairs) || pairs < 1))
    throw new Error(`--pairs is a whole number from 1, not '${values.pairs}'`);
  return { only: only.length === 0 ? benchmarkNames : benchmarkNames.filter((name) => only.includes(name)), jsonPath: values.json, pairs };
}
