import { BerthError } from "../../../contract/berth-error.ts";
import type { Task } from "../../../contract/gen/gitpod/v1/environment_automation_pb.js";

/**
 * A task and all that it depends on, in groups: those of one group depend on earlier groups alone. Fails with
 * `request-invalid` where one depends on itself, or on what is no task of its environment.
 */
export function planOf(tasks: readonly Task[], taskId: string): Task[][] {
  const known = new Map(tasks.map((task) => [task.id, task]));
  const depths = new Map<string, number>();
  const depthOf = (id: string, above: readonly string[]): number => {
    const task = known.get(id);
    if (task === undefined) throw new BerthError("request-invalid", `depends_on: the environment has no task ${id}`);
    if (above.includes(id)) throw new BerthError("request-invalid", `depends_on: '${task.metadata?.reference}' would depend on itself`);
    const depth = depths.get(id) ?? Math.max(-1, ...task.dependsOn.map((other) => depthOf(other, [...above, id]))) + 1;
    depths.set(id, depth);
    return depth;
  };
  const last = depthOf(taskId, []);
  const groups = Array.from({ length: last + 1 }, (_, depth) => tasks.filter(({ id }) => depths.get(id) === depth));
  return groups;
}
