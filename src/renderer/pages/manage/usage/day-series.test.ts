import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { TimeSeriesPointSchema } from "../../../../contract/gen/gitpod/v1/usage_pb.js";
import { dailyOf, rangeOf, topOf } from "./day-series.ts";

const at = (text: string): number => Date.parse(text);

test("days without anything are there too, and what comes for one day is one value", () => {
  const range = rangeOf(3, at("2026-03-29T13:00:00Z"));
  const points = ["2026-03-27T00:00:00Z", "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z", "2026-03-20T00:00:00Z"].map((time, n) =>
    create(TimeSeriesPointSchema, { time: timestampFromMs(at(time)), value: n + 1 }),
  );
  expect(dailyOf(points, range).map(({ atMs, value }) => [new Date(atMs).toISOString().slice(0, 10), value])).toEqual([
    ["2026-03-27", 1],
    ["2026-03-28", 0],
    ["2026-03-29", 5],
  ]);
});

test.each([
  [[], 1],
  [[0, 0], 1],
  [[0.3], 0.5],
  [[7, 3], 10],
  [[11], 20],
  [[500], 500],
])("an axis for %j ends at %d", (values, top) => {
  expect(topOf(values)).toBe(top);
});
