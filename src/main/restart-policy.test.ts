import { expect, test } from "vitest";
import { decideRestart } from "./restart-policy.ts";

test("each end within five minutes doubles the wait, and the sixth is the last", () => {
  const ends: number[] = [];
  const decisions = Array.from({ length: 6 }, (_, index) => {
    ends.push(index * 1000);
    return decideRestart(ends, index * 1000);
  });
  expect(decisions.map((d) => (d.kind === "restart" ? d.delayMs : d.kind))).toEqual([500, 1000, 2000, 4000, 8000, "give-up"]);
});

test("ends of long ago are forgiven", () => {
  expect(decideRestart([0, 1, 2, 3, 4, 5, 400_000], 400_000)).toEqual({ kind: "restart", delayMs: 500, recentEnds: 1 });
});
