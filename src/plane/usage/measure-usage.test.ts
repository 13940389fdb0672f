import { expect, test } from "vitest";
import type { Span } from "../store/store.ts";
import { periodBefore, runtimesBy, trend, usageIn } from "./measure-usage.ts";

function span(creatorId: string, startMs: number, endMs: number | undefined, projectId = ""): Span {
  return { creatorId, parentId: `${creatorId}'s`, projectId, label: "small", startMs, endMs };
}

const spans = [span("ada", 0, 40, "p"), span("ada", 60, undefined, "q"), span("bob", 90, 200, "p"), span("eve", 0, 20)];
const nowMs = 130;

test("what overlaps a period counts for as long as it does, and what runs still counts until now", () => {
  expect(usageIn(spans, { startMs: 20, endMs: 100 }, nowMs)).toEqual({
    users: new Set(["ada", "bob"]),
    environments: new Set(["ada's", "bob's"]),
    sessions: 2,
    runtimeMs: 20 + 40 + 10,
  });
  expect(usageIn(spans, { startMs: 120, endMs: 1000 }, nowMs).runtimeMs).toBe(10 + 80);
  expect(usageIn(spans, { startMs: 300, endMs: 1000 }, nowMs)).toMatchObject({ sessions: 0, runtimeMs: 0 });
});

test("the longest comes first, and what belongs to nothing is left out", () => {
  const all = { startMs: 0, endMs: 1000 };
  expect(runtimesBy(spans, all, { keyOf: ({ projectId }) => projectId, nowMs })).toEqual([
    { key: "p", runtimeMs: 150 },
    { key: "q", runtimeMs: 70 },
  ]);
});

test("a trend is the share that came to what there was", () => {
  expect(periodBefore({ startMs: 100, endMs: 150 })).toEqual({ startMs: 50, endMs: 100 });
  expect([trend(15, 10), trend(5, 10), trend(5, 0)]).toEqual([0.5, -0.5, 0]);
});
