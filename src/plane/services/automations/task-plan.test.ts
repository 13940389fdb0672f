import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type Task, TaskExecutionPhase, TaskSchema } from "../../../contract/gen/gitpod/v1/environment_automation_pb.js";
import { phaseOf } from "./task-executions.ts";
import { planOf } from "./task-plan.ts";

function task(id: string, ...dependsOn: string[]): Task {
  return create(TaskSchema, { id, dependsOn, metadata: { reference: `task ${id}` } });
}

function ids(groups: readonly (readonly Task[])[]): string[][] {
  return groups.map((group) => group.map(({ id }) => id));
}

test("a plan has what a task depends on, each after what it needs itself, once", () => {
  const tasks = [task("test", "build", "lint"), task("build", "install"), task("lint", "install"), task("install"), task("other")];
  expect(ids(planOf(tasks, "test"))).toEqual([["install"], ["build", "lint"], ["test"]]);
  expect(ids(planOf(tasks, "other"))).toEqual([["other"]]);
  const skewed = [task("a", "b", "c"), task("b"), task("c", "b")];
  expect(ids(planOf(skewed, "a"))).toEqual([["b"], ["c"], ["a"]]);
});

test("what depends on itself, however far around, or on nothing that is there, is refused", () => {
  expect(() => planOf([task("a", "b"), task("b", "c"), task("c", "a")], "a")).toThrow("'task a' would depend on itself");
  expect(() => planOf([task("a", "gone")], "a")).toThrow("no task gone");
});

const { PENDING, RUNNING, SUCCEEDED, FAILED, STOPPED } = TaskExecutionPhase;

test.each([
  [[PENDING, PENDING], PENDING],
  [[RUNNING, PENDING], RUNNING],
  [[SUCCEEDED, PENDING], RUNNING],
  [[SUCCEEDED, SUCCEEDED], SUCCEEDED],
  [[FAILED, RUNNING], RUNNING],
  [[FAILED, PENDING], FAILED],
  [[SUCCEEDED, STOPPED, PENDING], STOPPED],
])("steps in %j make %i", (steps, phase) => {
  expect(phaseOf(steps)).toBe(phase);
});
