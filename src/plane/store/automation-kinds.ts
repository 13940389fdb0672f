import { ServiceSchema, TaskExecutionSchema, TaskSchema } from "../../contract/gen/gitpod/v1/environment_automation_pb.js";
import { ResourceType } from "../../contract/gen/gitpod/v1/event_pb.js";
import { type Columns, defineKind } from "./kind.ts";
import { msField } from "./kinds.ts";

/** A service of an environment. */
export const environmentServiceKind = defineKind({
  name: "environment-service",
  schema: ServiceSchema,
  resourceType: ResourceType.SERVICE,
  columns: ({ environmentId, metadata, status }): Columns => ({
    creatorId: metadata?.creator?.id ?? "",
    parentId: environmentId,
    label: metadata?.reference ?? "",
    role: metadata?.role ?? 0,
    phase: status?.phase ?? 0,
    nameKey: `${environmentId}/${metadata?.reference ?? ""}`,
    ...msField("createdAtMs", metadata?.createdAt),
  }),
});

/** A task of an environment. */
export const environmentTaskKind = defineKind({
  name: "environment-task",
  schema: TaskSchema,
  resourceType: ResourceType.TASK,
  columns: ({ environmentId, metadata }): Columns => ({
    creatorId: metadata?.creator?.id ?? "",
    parentId: environmentId,
    label: metadata?.reference ?? "",
    nameKey: `${environmentId}/${metadata?.reference ?? ""}`,
    ...msField("createdAtMs", metadata?.createdAt),
  }),
});

/** One run of a task, as the task was then. */
export const taskExecutionKind = defineKind({
  name: "task-execution",
  schema: TaskExecutionSchema,
  resourceType: ResourceType.TASK_EXECUTION,
  columns: ({ metadata, status }): Columns => ({
    creatorId: metadata?.creator?.id ?? "",
    parentId: metadata?.environmentId ?? "",
    label: metadata?.taskId ?? "",
    phase: status?.phase ?? 0,
    ...msField("createdAtMs", metadata?.createdAt),
  }),
});
