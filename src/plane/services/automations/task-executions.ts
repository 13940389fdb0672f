import { clone, create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../../contract/berth-error.ts";
import {
  type EnvironmentAutomationService,
  type Task,
  type TaskExecution,
  TaskExecutionPhase,
  TaskExecutionSchema,
  type TaskExecutionSpec_Group,
  TaskExecutionSpec_GroupSchema,
  TaskExecutionSpec_StepSchema,
  TaskExecutionStatusSchema,
  type UpdateTaskExecutionStatusRequest,
} from "../../../contract/gen/gitpod/v1/environment_automation_pb.js";
import { ResourceOperation } from "../../../contract/gen/gitpod/v1/event_pb.js";
import type { Subject } from "../../../contract/gen/gitpod/v1/identity_pb.js";
import { uuidV7 } from "../../../lib/uuid.ts";
import { subjectOf } from "../../caller.ts";
import { environmentTaskKind, taskExecutionKind } from "../../store/automation-kinds.ts";
import type { OrganizationStore } from "../../store/store.ts";
import { found } from "../found.ts";
import type { AutomationDependencies } from "./automation-service.ts";
import { tasksOf } from "./environment-tasks.ts";
import { listed, ofEnvironments, tasksWanted } from "./filters.ts";
import { planOf } from "./task-plan.ts";

/** Of an environment; of those that have ended the oldest go first. */
const maxExecutions = 100;

const { PENDING, RUNNING, SUCCEEDED, FAILED, STOPPED } = TaskExecutionPhase;
const endPhases: readonly TaskExecutionPhase[] = [SUCCEEDED, FAILED, STOPPED];

type Methods = Pick<
  ServiceImpl<typeof EnvironmentAutomationService>,
  "startTask" | "listTaskExecutions" | "getTaskExecution" | "stopTaskExecution" | "updateTaskExecutionStatus"
>;

/** Runs of tasks. */
export function taskExecutions({ scopeOf, now }: AutomationDependencies): Methods {
  return {
    startTask: async ({ id }, context) => {
      const { caller, store } = scopeOf(context);
      const { message: task } = await found(store, environmentTaskKind, id, "task");
      const surplus = await surplusOf(store, task.environmentId);
      const groups = planOf(await tasksOf(store, task.environmentId), id);
      const taskExecution = newExecution(task, groups, { creator: subjectOf(caller), nowMs: now() });
      await store.transaction(async (tx) => {
        await found(tx, environmentTaskKind, id, "task");
        const oldest = surplus === undefined ? undefined : await tx.get(taskExecutionKind, surplus);
        if (oldest !== undefined) tx.delete(taskExecutionKind, oldest);
        tx.insert(taskExecutionKind, taskExecution.id, taskExecution);
      });
      return { taskExecution };
    },
    listTaskExecutions: async ({ filter, pagination }, context) => {
      const scope = scopeOf(context);
      const visible = await ofEnvironments(scope, filter?.environmentIds);
      const taskIds = filter === undefined ? undefined : await tasksWanted(scope, visible, filter);
      const where = { ...visible, ...(taskIds === undefined ? {} : { labels: taskIds }), ...listed("phases", filter?.phases) };
      const { items, nextToken } = await scope.store.list(taskExecutionKind, pagination, { where });
      return { taskExecutions: items.map(({ message }) => message), pagination: { nextToken } };
    },
    getTaskExecution: async ({ id }, context) => ({
      taskExecution: (await found(scopeOf(context).store, taskExecutionKind, id, "execution of a task")).message,
    }),
    stopTaskExecution: async ({ id }, context) => {
      await scopeOf(context).store.transaction(async (tx) => {
        const stored = await found(tx, taskExecutionKind, id, "execution of a task");
        if (hasEnded(stored.message)) return;
        const draft = clone(TaskExecutionSchema, stored.message);
        if (draft.spec !== undefined) draft.spec.desiredPhase = STOPPED;
        // What nobody has begun with is stopped already.
        if (draft.status?.phase === PENDING) end(draft, STOPPED, now());
        tx.update(taskExecutionKind, stored, draft);
      });
      return {};
    },
    updateTaskExecutionStatus: async (request, context) => {
      await scopeOf(context).store.transaction(
        async (tx) => {
          const stored = await found(tx, taskExecutionKind, request.id, "execution of a task");
          // How something ended does not change any more.
          if (hasEnded(stored.message)) return;
          const draft = clone(TaskExecutionSchema, stored.message);
          applyStatus(draft, request, now());
          tx.update(taskExecutionKind, stored, draft, { operation: ResourceOperation.UPDATE_STATUS });
        },
        { isObserved: true },
      );
      return {};
    },
  };
}

/** The one that goes for another to come; undefined while there is room. Fails with `request-invalid` where none has ended. */
async function surplusOf(store: OrganizationStore, environmentId: string): Promise<string | undefined> {
  const where = { parentIds: [environmentId] };
  if ((await store.count(taskExecutionKind, where)) < maxExecutions) return undefined;
  const { items } = await store.list(taskExecutionKind, { pageSize: 1, token: "" }, { where: { ...where, phases: endPhases } });
  const [oldest] = items;
  if (oldest === undefined) throw new BerthError("request-invalid", `${maxExecutions} executions of this environment have not ended yet`);
  return oldest.id;
}

/** The tasks as they are now: later changes of them do not reach an execution. */
function newExecution(task: Task, groups: readonly Task[][], { creator, nowMs }: { creator: Subject; nowMs: number }): TaskExecution {
  const stepIds = new Map(groups.flat().map(({ id }) => [id, uuidV7(nowMs)]));
  const stepIdOf = (id: string): string => stepIds.get(id) ?? "";
  const groupOf = (tasks: readonly Task[]): TaskExecutionSpec_Group =>
    create(TaskExecutionSpec_GroupSchema, {
      steps: tasks.map(({ id, spec, metadata, dependsOn }) =>
        create(TaskExecutionSpec_StepSchema, {
          id: stepIdOf(id),
          label: metadata?.name ?? "",
          dependsOn: dependsOn.map(stepIdOf),
          step: { case: "task", value: { id, ...(spec === undefined ? {} : { spec }) } },
        }),
      ),
    });
  return create(TaskExecutionSchema, {
    id: uuidV7(nowMs),
    metadata: {
      taskId: task.id,
      environmentId: task.environmentId,
      createdAt: timestampFromMs(nowMs),
      creator,
      startedBy: "manual",
    },
    spec: { plan: groups.map(groupOf), desiredPhase: RUNNING },
    status: { statusVersion: 1n, phase: PENDING, steps: [...stepIds.values()].map((id) => ({ id, phase: PENDING })) },
  });
}

/** Fails with `request-invalid` for a step that the execution has not. */
function applyStatus(draft: TaskExecution, { steps, failureMessage, logUrl }: UpdateTaskExecutionStatusRequest, nowMs: number): void {
  const status = (draft.status ??= create(TaskExecutionStatusSchema));
  for (const step of steps) {
    const index = status.steps.findIndex(({ id }) => id === step.id);
    if (index === -1) throw new BerthError("request-invalid", `steps: the execution has no step ${step.id}`);
    status.steps[index] = step;
  }
  status.statusVersion += 1n;
  status.failureMessage = failureMessage ?? status.failureMessage;
  status.logUrl = logUrl ?? status.logUrl;
  const phase = status.failureMessage === "" ? phaseOf(status.steps.map((step) => step.phase)) : FAILED;
  if (phase !== PENDING && draft.metadata !== undefined) draft.metadata.startedAt ??= timestampFromMs(nowMs);
  if (endPhases.includes(phase)) end(draft, phase, nowMs);
  else status.phase = phase;
}

/** What the phases of the steps make of the whole; what comes after a step that failed is never begun. */
export function phaseOf(steps: readonly TaskExecutionPhase[]): TaskExecutionPhase {
  if (steps.includes(RUNNING)) return RUNNING;
  if (steps.includes(FAILED)) return FAILED;
  if (steps.includes(STOPPED)) return STOPPED;
  if (steps.every((phase) => phase === SUCCEEDED)) return SUCCEEDED;
  return steps.includes(SUCCEEDED) ? RUNNING : PENDING;
}

function hasEnded({ status }: TaskExecution): boolean {
  return status !== undefined && endPhases.includes(status.phase);
}

function end(draft: TaskExecution, phase: TaskExecutionPhase, nowMs: number): void {
  if (draft.status !== undefined) draft.status.phase = phase;
  if (draft.metadata !== undefined) draft.metadata.completedAt = timestampFromMs(nowMs);
}
