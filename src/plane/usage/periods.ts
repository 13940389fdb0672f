import { timestampMs } from "@bufbuild/protobuf/wkt";
import { BerthError } from "../../contract/berth-error.ts";
import { type DateRange, Resolution } from "../../contract/gen/gitpod/v1/usage_pb.js";
import type { Period } from "../store/store.ts";

/** More points than this are more than a chart can show. */
const maxPoints = 400;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const weekMs = 7 * dayMs;
/** 1970-01-01 was a Thursday; weeks begin on Mondays. */
const firstMondayMs = 4 * dayMs;
/** Where a request names no beginning. */
const usualLengthMs = 30 * dayMs;

/** The time a request is about; by default the last 30 days. Fails with `request-invalid`. */
export function periodOf(range: DateRange | undefined, nowMs: number): Period {
  const endMs = range?.endTime === undefined ? nowMs : timestampMs(range.endTime);
  const startMs = range?.startTime === undefined ? endMs - usualLengthMs : timestampMs(range.startTime);
  if (startMs >= endMs) throw new BerthError("request-invalid", "date_range: it has to end after it begins");
  return { startMs, endMs };
}

/** A period in whole hours, days, weeks or months of UTC, of which the first and the last may reach beyond it. Fails with `request-invalid`. */
export function pointsOf(period: Period, resolution: Resolution): Period[] {
  const points: Period[] = [];
  for (let startMs = floor(period.startMs, resolution); startMs < period.endMs;) {
    const endMs = next(startMs, resolution);
    points.push({ startMs, endMs });
    if (points.length > maxPoints)
      throw new BerthError("request-invalid", `date_range: at this resolution it has more than ${maxPoints} points`);
    startMs = endMs;
  }
  return points;
}

/** The week that ends with a point. */
export function weekUntil({ endMs }: Period): Period {
  return { startMs: endMs - weekMs, endMs };
}

function floor(ms: number, resolution: Resolution): number {
  switch (resolution) {
    case Resolution.HOURLY:
      return ms - (ms % hourMs);
    case Resolution.WEEKLY:
      return ms - ((((ms - firstMondayMs) % weekMs) + weekMs) % weekMs);
    case Resolution.MONTHLY: {
      const date = new Date(ms);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
    }
    case Resolution.DAILY:
    case Resolution.UNSPECIFIED:
      return ms - (ms % dayMs);
  }
}

function next(startMs: number, resolution: Resolution): number {
  switch (resolution) {
    case Resolution.HOURLY:
      return startMs + hourMs;
    case Resolution.WEEKLY:
      return startMs + weekMs;
    case Resolution.MONTHLY: {
      const date = new Date(startMs);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
    }
    case Resolution.DAILY:
    case Resolution.UNSPECIFIED:
      return startMs + dayMs;
  }
}
