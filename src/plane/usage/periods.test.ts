import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { DateRangeSchema, Resolution } from "../../contract/gen/gitpod/v1/usage_pb.js";
import { periodOf, pointsOf } from "./periods.ts";

const ms = (time: string): number => Date.parse(time);
const period = { startMs: ms("2026-01-30T22:30:00Z"), endMs: ms("2026-02-02T01:00:00Z") };

test.each([
  [Resolution.DAILY, ["2026-01-30", "2026-01-31", "2026-02-01", "2026-02-02"]],
  [Resolution.WEEKLY, ["2026-01-26", "2026-02-02"]],
  [Resolution.MONTHLY, ["2026-01-01", "2026-02-01"]],
])("points of resolution %i begin where people's calendars have it, and leave nothing out", (resolution, days) => {
  const points = pointsOf(period, resolution);
  expect(points.map(({ startMs }) => new Date(startMs).toISOString())).toEqual(days.map((day) => `${day}T00:00:00.000Z`));
  expect(points.slice(1).map(({ startMs }) => startMs)).toEqual(points.slice(0, -1).map(({ endMs }) => endMs));
  expect(points.at(-1)?.endMs).toBeGreaterThanOrEqual(period.endMs);
});

test("more points than a chart can show are refused", () => {
  expect(pointsOf(period, Resolution.HOURLY)).toHaveLength(51);
  const year = { startMs: ms("2026-01-01T00:00:00Z"), endMs: ms("2027-01-01T00:00:00Z") };
  expect(pointsOf(year, Resolution.DAILY)).toHaveLength(365);
  expect(() => pointsOf(year, Resolution.HOURLY)).toThrow("more than 400 points");
});

test("without a range the last 30 days are meant, and one that ends before it begins is refused", () => {
  const now = ms("2026-01-31T00:00:00Z");
  expect(periodOf(undefined, now)).toEqual({ startMs: ms("2026-01-01T00:00:00Z"), endMs: now });
  const range = create(DateRangeSchema, { startTime: timestampFromDate(new Date(now)), endTime: timestampFromDate(new Date(now)) });
  expect(() => periodOf(range, now)).toThrow("end after it begins");
});
