import { expect, test } from "vitest";
import { deadline, pause, systemClock } from "./clock.ts";

test("a pause ends after its time, or with the signal", async () => {
  const beganMs = systemClock.nowMs();
  await pause(systemClock, 20, new AbortController().signal);
  expect(systemClock.nowMs() - beganMs).toBeGreaterThanOrEqual(19);
  const stop = new AbortController();
  const paused = pause(systemClock, 60_000, stop.signal);
  stop.abort();
  await paused;
  await pause(systemClock, 60_000, stop.signal);
});

test("a deadline aborts with a reason that says so, and not after it was disposed of", async () => {
  const aborted = async (signal: AbortSignal): Promise<unknown> => {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return signal.reason;
  };
  using limit = deadline(systemClock, 10);
  expect(await aborted(limit.signal)).toMatchObject({ name: "TimeoutError" });
  const disposed = deadline(systemClock, 10);
  disposed[Symbol.dispose]();
  await aborted(deadline(systemClock, 30).signal);
  expect(disposed.signal.aborted).toBe(false);
});

test("a deadline aborts with its parent, for its parent's reason", () => {
  const parent = new AbortController();
  using limit = deadline(systemClock, 60_000, parent.signal);
  const reason = new Error("over");
  parent.abort(reason);
  expect(limit.signal.reason).toBe(reason);
  using late = deadline(systemClock, 60_000, parent.signal);
  expect(late.signal.reason).toBe(reason);
});
