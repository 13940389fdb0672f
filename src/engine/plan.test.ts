import { expect, test } from "vitest";
import fc from "fast-check";
import { type JobView, type Observation, plan, type Wish } from "./plan.ts";

const wish: Wish = {
  phase: "running",
  source: "clone",
  cloneJobId: "clone",
  upJobId: "up",
  stopJobId: "stop",
  deleteJobId: "delete",
  devcontainerSession: "s",
};
const nothing: Observation = {
  machine: "ready",
  isMachineOwn: false,
  known: false,
  contentReady: false,
  container: "absent",
  containerSession: "",
  keysInSync: true,
  anyJobRunning: false,
  upload: "absent",
  job: () => "absent",
};
const jobs =
  (states: Record<string, JobView>) =>
  (id: string): JobView =>
    states[id] ?? "absent";

test.each([
  ["a machine that is off is started", {}, { machine: "off" }, "start-machine"],
  ["a machine that boots is waited for", {}, { machine: "busy" }, "wait"],
  ["a working copy is cloned first", {}, {}, "clone"],
  ["a folder is uploaded", { source: "folder" }, {}, "upload"],
  ["a clone that runs is waited for", {}, { job: jobs({ clone: "running" }) }, "wait"],
  ["a clone that failed is not repeated", {}, { job: jobs({ clone: "failed" }) }, "settled"],
  ["then the dev container comes", {}, { contentReady: true }, "devcontainer-up"],
  ["an older container is replaced", {}, { contentReady: true, container: "running", containerSession: "old" }, "devcontainer-up"],
  ["what runs is left alone", {}, { contentReady: true, container: "running", containerSession: "s" }, "settled"],
  [
    "other keys are put in place of what runs",
    {},
    { contentReady: true, container: "running", containerSession: "s", keysInSync: false },
    "authorize-keys",
  ],
  [
    "a sleeping machine wakes for other keys",
    {},
    { machine: "asleep", contentReady: true, container: "running", containerSession: "s", keysInSync: false },
    "start-machine",
  ],
  ["stop ends what runs", { phase: "stopped" }, { container: "running" }, "stop-containers"],
  ["stop of a machine that is off is done", { phase: "stopped" }, { machine: "off" }, "settled"],
  ["delete of something unknown removes the record", { phase: "deleted" }, {}, "remove-record"],
  ["delete of something known removes it first", { phase: "deleted" }, { known: true }, "delete"],
  [
    "what ran when the machine fell asleep lets it sleep",
    {},
    { machine: "asleep", contentReady: true, container: "running", containerSession: "s" },
    "settled",
  ],
  ["what shall run and did not wakes it", {}, { machine: "asleep", contentReady: true }, "start-machine"],
  ["a stop wakes it", { phase: "stopped" }, { machine: "asleep", container: "running" }, "start-machine"],
  ["what is stopped lets it sleep", { phase: "stopped" }, { machine: "asleep" }, "settled"],
  ["delete wakes it to look", { phase: "deleted" }, { machine: "asleep" }, "start-machine"],
  ["delete starts the machine to look", { phase: "deleted" }, { machine: "off" }, "start-machine"],
  ["an own machine goes with its environment", { phase: "deleted" }, { isMachineOwn: true, known: true }, "remove-with-machine"],
  ["it is not started for that", { phase: "deleted" }, { isMachineOwn: true, machine: "off" }, "remove-with-machine"],
  ["nor woken", { phase: "deleted" }, { isMachineOwn: true, machine: "asleep" }, "remove-with-machine"],
  ["nor kept because it failed", { phase: "deleted" }, { isMachineOwn: true, machine: "failed" }, "remove-with-machine"],
  ["stop of an environment keeps its own machine", { phase: "stopped" }, { isMachineOwn: true }, "settled"],
] as const)("%s", (_name, wanted, seen, kind) => {
  expect(plan({ ...wish, ...wanted }, { ...nothing, ...seen }).kind).toBe(kind);
});

test("nothing is deleted unless deletion is wanted", () => {
  const state = fc.constantFrom<JobView>("absent", "running", "succeeded", "failed");
  const observation = fc.record({
    machine: fc.constantFrom<Observation["machine"]>("off", "busy", "ready", "asleep", "failed"),
    isMachineOwn: fc.boolean(),
    known: fc.boolean(),
    contentReady: fc.boolean(),
    container: fc.constantFrom<Observation["container"]>("absent", "stopped", "running"),
    containerSession: fc.constantFrom("", "s"),
    keysInSync: fc.boolean(),
    anyJobRunning: fc.boolean(),
    upload: state,
    one: state,
  });
  fc.assert(
    fc.property(observation, fc.constantFrom<"running" | "stopped">("running", "stopped"), (seen, phase) => {
      const step = plan({ ...wish, phase }, { ...seen, job: () => seen.one });
      expect(["delete", "remove-record", "remove-with-machine"]).not.toContain(step.kind);
    }),
  );
});
