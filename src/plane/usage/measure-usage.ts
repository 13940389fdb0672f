import type { Period, Span } from "../store/store.ts";

/** How much was used within a period. */
export interface Usage {
  readonly users: ReadonlySet<string>;
  readonly environments: ReadonlySet<string>;
  /** How often an environment began to run. */
  readonly sessions: number;
  readonly runtimeMs: number;
}

/** @param nowMs The end of what has none yet. */
export function usageIn(spans: readonly Span[], period: Period, nowMs: number): Usage {
  const within = spans.filter((span) => overlapMs(span, period, nowMs) > 0);
  return {
    users: new Set(within.map(({ creatorId }) => creatorId)),
    environments: new Set(within.map(({ parentId }) => parentId)),
    sessions: within.filter(({ startMs }) => startMs >= period.startMs).length,
    runtimeMs: within.reduce((sum, span) => sum + overlapMs(span, period, nowMs), 0),
  };
}

/** The times by what `keyOf` tells of them, the longest first; those that it tells nothing of are left out. */
export function runtimesBy(
  spans: readonly Span[],
  period: Period,
  { keyOf, nowMs }: { readonly keyOf: (span: Span) => string; readonly nowMs: number },
): { readonly key: string; readonly runtimeMs: number }[] {
  const sums = new Map<string, number>();
  for (const span of spans) {
    const key = keyOf(span);
    const ms = overlapMs(span, period, nowMs);
    if (key !== "" && ms > 0) sums.set(key, (sums.get(key) ?? 0) + ms);
  }
  const found = [...sums].map(([key, runtimeMs]) => ({ key, runtimeMs }));
  return found.toSorted((a, b) => b.runtimeMs - a.runtimeMs || (a.key < b.key ? -1 : 1));
}

/** How much more there is than before, as a share of what there was; 0 where there was nothing. */
export function trend(now: number, before: number): number {
  return before === 0 ? 0 : (now - before) / before;
}

/** The period of the same length before this one. */
export function periodBefore({ startMs, endMs }: Period): Period {
  return { startMs: startMs - (endMs - startMs), endMs: startMs };
}

function overlapMs({ startMs, endMs }: Span, period: Period, nowMs: number): number {
  return Math.min(endMs ?? nowMs, period.endMs) - Math.max(startMs, period.startMs);
}
