/** The middle value; the mean of the two middle ones when their number is even. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error("there is no median of nothing");
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The smallest of the values that `percent` of them are no larger than (nearest rank). */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.ceil((percent / 100) * sorted.length) - 1];
  if (value === undefined) throw new Error("there is no percentile of nothing");
  return value;
}

/** One line of the outcome. Smaller is better; `ratio` is ours to the baseline. */
export interface Result {
  readonly name: string;
  readonly ours: number;
  readonly baseline: number;
  readonly ratio: number;
  readonly unit: string;
  /** How many pairs were measured. */
  readonly runs: number;
  readonly samples: { readonly ours: readonly number[]; readonly baseline: readonly number[] };
  /** The ratio that Berth promises, where it promises one. */
  readonly limit?: number;
}

export interface Samples {
  readonly ours: number[];
  readonly baseline: number[];
}

/** Medians of both sides and their ratio. */
export function resultOf(name: string, unit: string, samples: Samples, limit?: number): Result {
  const ours = round(median(samples.ours));
  const baseline = round(median(samples.baseline));
  const ratio = round(median(samples.ours) / median(samples.baseline));
  return {
    name,
    ours,
    baseline,
    ratio,
    unit,
    runs: samples.ours.length,
    samples: { ours: samples.ours.map(round), baseline: samples.baseline.map(round) },
    ...(limit === undefined ? {} : { limit }),
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/**
 * Measures ours and the baseline in turn, A B B A, so that what else the computer does hits both alike and a computer
 * that grows slower or faster favours neither.
 */
export async function measurePairs(
  pairs: number,
  ours: () => Promise<number>,
  baseline: () => Promise<number>,
  say: (text: string) => void,
): Promise<Samples> {
  const samples: Samples = { ours: [], baseline: [] };
  for (let pair = 1; pair <= pairs; pair++) {
    const oursFirst = pair % 2 === 1;
    const first = oursFirst ? await ours() : await baseline();
    const second = oursFirst ? await baseline() : await ours();
    const [mine, theirs] = oursFirst ? [first, second] : [second, first];
    samples.ours.push(mine);
    samples.baseline.push(theirs);
    say(`pair ${pair} of ${pairs}: ours ${mine.toFixed(2)}, baseline ${theirs.toFixed(2)}`);
  }
  return samples;
}
