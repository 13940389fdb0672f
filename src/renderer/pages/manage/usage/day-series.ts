import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { TimeSeriesPoint } from "../../../../contract/gen/gitpod/v1/usage_pb.js";

const dayMs = 24 * 60 * 60_000;

export interface Day {
  /** When it begins, in UTC, as the plane counts days. */
  readonly atMs: number;
  readonly value: number;
}

/** The days that are asked for: so many, today the last. */
export function rangeOf(days: number, nowMs: number): { readonly startMs: number; readonly endMs: number } {
  const todayMs = Math.floor(nowMs / dayMs) * dayMs;
  return { startMs: todayMs - (days - 1) * dayMs, endMs: todayMs + dayMs };
}

/** One value for each day of a range; the plane leaves out those on which there was nothing. */
export function dailyOf(
  points: readonly TimeSeriesPoint[],
  { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
): Day[] {
  const values = new Map<number, number>();
  for (const { time, value } of points) {
    const atMs = time === undefined ? Number.NaN : Math.floor(timestampMs(time) / dayMs) * dayMs;
    values.set(atMs, (values.get(atMs) ?? 0) + value);
  }
  const count = Math.round((endMs - startMs) / dayMs);
  return Array.from({ length: count }, (_, n) => ({ atMs: startMs + n * dayMs, value: values.get(startMs + n * dayMs) ?? 0 }));
}

/** The least of 1, 2 or 5 with zeros that no value is above, so that an axis has a number that can be read. */
export function topOf(values: readonly number[]): number {
  const most = Math.max(0, ...values);
  if (most === 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= most) ?? most;
}
