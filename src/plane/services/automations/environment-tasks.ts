import { clone, create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../../contract/berth-error.ts";
import {
  type EnvironmentAutomationService,
  type Task,
  TaskMetadataSchema,
  TaskSchema,
  TaskSpecSchema,
  type UpdateTaskRequest,
} from "../../../contract/gen/gitpod/v1/environment_automation_pb.js";
import { uuidV7 } from "../../../lib/uuid.ts";
import { subjectOf } from "../../caller.ts";
import { environmentTaskKind } from "../../store/automation-kinds.ts";
import { environmentKind } from "../../store/kinds.ts";
import type { Reader } from "../../store/store.ts";
import { found } from "../found.ts";
import type { AutomationDependencies } from "./automation-service.ts";
import { maxAutomations } from "./environment-services.ts";
import { listed, ofEnvironments } from "./filters.ts";
import { planOf } from "./task-plan.ts";

type Methods = Pick<ServiceImpl<typeof EnvironmentAutomationService>, "createTask" | "getTask" | "listTasks" | "updateTask" | "deleteTask">;

/** Tasks of environments: commands that end, each after those that it depends on. */
export function environmentTasks({ scopeOf, now }: AutomationDependencies): Methods {
  return {
    createTask: async ({ environmentId, metadata, spec, dependsOn }, context) => {
      const { caller, store } = scopeOf(context);
      if (metadata === undefined || spec === undefined || spec.command === "")
        throw new BerthError("request-invalid", "metadata and spec.command are needed");
      const task = newTask(environmentId, { metadata: { ...metadata, creator: subjectOf(caller) }, spec, dependsOn }, now());
      await store.transaction(async (tx) => {
        await found(tx, environmentKind, environmentId, "environment");
        const tasks = await tasksOf(tx, environmentId);
        checkTasks([...tasks, task], [task.id]);
        tx.insert(environmentTaskKind, task.id, task);
      });
      return { task };
    },
    getTask: async ({ id }, context) => ({ task: (await found(scopeOf(context).store, environmentTaskKind, id, "task")).message }),
    listTasks: async ({ filter, pagination }, context) => {
      const scope = scopeOf(context);
      const where = {
        ...(await ofEnvironments(scope, filter?.environmentIds)),
        ...listed("labels", filter?.references),
        ...listed("ids", filter?.taskIds),
      };
      const { items, nextToken } = await scope.store.list(environmentTaskKind, pagination, { where });
      return { tasks: items.map(({ message }) => message), pagination: { nextToken } };
    },
    updateTask: async (request, context) => {
      await scopeOf(context).store.transaction(async (tx) => {
        const stored = await found(tx, environmentTaskKind, request.id, "task");
        const draft = clone(TaskSchema, stored.message);
        applyUpdate(draft, request);
        const others = (await tasksOf(tx, draft.environmentId)).filter(({ id }) => id !== draft.id);
        checkTasks([...others, draft], [draft.id]);
        tx.update(environmentTaskKind, stored, draft);
      });
      return {};
    },
    deleteTask: async ({ id }, context) => {
      await scopeOf(context).store.transaction(async (tx) => {
        const stored = await found(tx, environmentTaskKind, id, "task");
        const after = (await tasksOf(tx, stored.message.environmentId)).find(({ dependsOn }) => dependsOn.includes(id));
        if (after !== undefined) throw new BerthError("request-invalid", `'${after.metadata?.reference}' depends on it`);
        tx.delete(environmentTaskKind, stored);
      });
      return {};
    },
  };
}

/** A task as it is kept first. */
export function newTask(
  environmentId: string,
  task: Pick<Task, "spec" | "dependsOn"> & { readonly metadata: NonNullable<Task["metadata"]> },
  nowMs: number,
): Task {
  const { metadata, spec, dependsOn } = task;
  return create(TaskSchema, {
    id: uuidV7(nowMs),
    environmentId,
    metadata: { ...metadata, createdAt: timestampFromMs(nowMs) },
    ...(spec === undefined ? {} : { spec }),
    dependsOn,
  });
}

export async function tasksOf(reader: Reader, environmentId: string): Promise<Task[]> {
  return (await reader.all(environmentTaskKind, { where: { parentIds: [environmentId] } })).map(({ message }) => message);
}

/** Fails with `request-invalid` when there are too many, or the changed ones depend on what is not there or on each other. */
export function checkTasks(tasks: readonly Task[], changedIds: readonly string[]): void {
  if (tasks.length > maxAutomations) throw new BerthError("request-invalid", `an environment has ${maxAutomations} tasks at most`);
  for (const id of changedIds) planOf(tasks, id);
}

function applyUpdate(draft: Task, { metadata, spec: wanted, dependsOn }: UpdateTaskRequest): void {
  const known = (draft.metadata ??= create(TaskMetadataSchema));
  known.name = metadata?.name ?? known.name;
  known.description = metadata?.description ?? known.description;
  known.triggeredBy = metadata?.triggeredBy?.trigger ?? known.triggeredBy;
  if (dependsOn.length > 0) draft.dependsOn = dependsOn;
  if (wanted === undefined) return;
  const spec = (draft.spec ??= create(TaskSpecSchema));
  if (wanted.command === "") throw new BerthError("request-invalid", "spec.command is empty");
  spec.command = wanted.command ?? spec.command;
  if (wanted.runsOn !== undefined) spec.runsOn = wanted.runsOn;
  if (wanted.env.length > 0) spec.env = wanted.env;
  spec.prebuildRequiresSuccess = wanted.prebuildRequiresSuccess ?? spec.prebuildRequiresSuccess;
}
