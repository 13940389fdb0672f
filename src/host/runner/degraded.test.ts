import { expect, test } from "vitest";
import { BerthError } from "../../contract/berth-error.ts";
import { type DegradedFacts, degradedReasons } from "./degraded.ts";

const well: DegradedFacts = {
  accelerator: "kvm",
  acceleratorReason: "",
  freeDiskBytes: 100 * 1024 ** 3,
  link: { kind: "connected", sinceMs: 0 },
  orphans: [],
  machineFailures: [],
  waitingCount: 0,
  metricsFailure: undefined,
  update: { kind: "idle", checkedAtMs: 0, message: "" },
};

test("a runner that is well has nothing to say", () => {
  expect(degradedReasons(well)).toEqual([]);
});

test.each<[Partial<DegradedFacts>, RegExp]>([
  [{ accelerator: "tcg", acceleratorReason: "there is no /dev/kvm" }, /emulated and slow: there is no \/dev\/kvm/],
  [{ freeDiskBytes: 1024 ** 3 }, /Only 1.0 GiB/],
  [{ link: { kind: "offline", sinceMs: 0, reason: new BerthError("store-unavailable", "no route") } }, /not reached: no route/],
  [{ link: { kind: "ended", reason: new BerthError("not-allowed", "another took its place") } }, /not have this runner any more/],
  [{ orphans: ["web", "api"] }, /does not know environments any more.*: web, api/],
  [{ machineFailures: ["Machine env-1: it crashed"] }, /env-1/],
  [{ waitingCount: 2 }, /2 environments wait/],
  [{ metricsFailure: "listen EADDRINUSE: address already in use 127.0.0.1:9100" }, /socket alone: .*already in use 127.0.0.1:9100/],
  [{ update: { kind: "rolled-back", checkedAtMs: 0, version: "2.0.0", reason: "it ended" } }, /2.0.0 did not become healthy: it ended/],
])("%o is told", (change, text) => {
  expect(degradedReasons({ ...well, ...change })).toEqual([expect.stringMatching(text)]);
});
