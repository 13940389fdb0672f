import { ResourceType } from "../../contract/gen/gitpod/v1/event_pb.js";
import { EnvironmentClassSchema } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerSchema } from "../../contract/gen/gitpod/v1/runner_pb.js";
import { defineKind } from "./kind.ts";
import { msField } from "./kinds.ts";

export const runnerKind = defineKind({
  name: "runner",
  schema: RunnerSchema,
  resourceType: ResourceType.RUNNER,
  columns: ({ runnerId, name, creator, status, kind, provider, createdAt }) => ({
    runnerId,
    creatorId: creator?.id ?? "",
    phase: status?.phase ?? 0,
    role: kind,
    label: String(provider),
    searchText: name,
    ...msField("createdAtMs", createdAt),
  }),
});

export const environmentClassKind = defineKind({
  name: "environment-class",
  schema: EnvironmentClassSchema,
  resourceType: ResourceType.ENVIRONMENT_CLASS,
  columns: ({ runnerId, displayName, description }) => ({
    runnerId,
    parentId: runnerId,
    // Two classes of one runner that people cannot tell apart are one.
    nameKey: `${runnerId}/${displayName.toLowerCase()}`,
    searchText: [displayName, description].join("\n"),
  }),
});
