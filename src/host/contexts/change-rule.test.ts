import { expect, test } from "vitest";
import { EnvironmentPhase } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { type ChangeKind, type EnvironmentNow, type Verdict, verdictOn, versionAfter } from "./change-rule.ts";

const { RUNNING, STOPPED, DELETED } = EnvironmentPhase;
const seen = { newName: "new", specVersion: 7n, workDigest: "clean" };
const same: EnvironmentNow = { specVersion: 7n, desiredPhase: RUNNING, name: "old", workDigest: "clean" };
const stoppedThere: EnvironmentNow = { ...same, specVersion: 8n, desiredPhase: STOPPED };
const startedThere: EnvironmentNow = { ...same, specVersion: 9n };
const renamedThere: EnvironmentNow = { ...same, specVersion: 8n, name: "other" };
const worked: EnvironmentNow = { ...same, workDigest: "two files" };
const restored: EnvironmentNow = { ...same, specVersion: 3n };

const table: readonly (readonly [ChangeKind, string, EnvironmentNow | undefined, Verdict])[] = [
  ["start", "as it was seen", { ...same, desiredPhase: STOPPED }, "tell"],
  ["start", "as it was seen, and failed", same, "tell"],
  ["start", "started elsewhere", startedThere, "done"],
  ["start", "stopped elsewhere", stoppedThere, "changed-meanwhile"],
  ["start", "with other work, which a start does not touch", { ...worked, desiredPhase: STOPPED }, "tell"],
  ["start", "gone", undefined, "gone"],
  ["start", "being deleted", { ...same, desiredPhase: DELETED }, "gone"],
  ["stop", "as it was seen", same, "tell"],
  ["stop", "stopped elsewhere", stoppedThere, "done"],
  ["stop", "started elsewhere", startedThere, "changed-meanwhile"],
  ["stop", "older than it was seen, from a backup", restored, "changed-meanwhile"],
  ["stop", "gone", undefined, "gone"],
  ["rename", "as it was seen", same, "tell"],
  ["rename", "given the same name elsewhere", { ...renamedThere, name: "new" }, "done"],
  ["rename", "given another name elsewhere", renamedThere, "changed-meanwhile"],
  ["rename", "gone", undefined, "gone"],
  ["delete", "as it was seen", same, "tell"],
  ["delete", "changed elsewhere", renamedThere, "ask"],
  ["delete", "worked in meanwhile", worked, "ask"],
  ["delete", "gone", undefined, "done"],
  ["delete", "being deleted", { ...same, desiredPhase: DELETED, specVersion: 12n }, "done"],
];

test.each(table)("a %s of an environment that is %s", (kind, _what, now, verdict) => {
  expect(verdictOn({ ...seen, kind }, now)).toBe(verdict);
});

test("what was changed by ourselves does not stand in the way of the next change, what others changed does", () => {
  expect(versionAfter(7n, 8n)).toBe(8n);
  expect(versionAfter(7n, 7n)).toBe(7n);
  expect(versionAfter(7n, 10n)).toBe(8n);
});
