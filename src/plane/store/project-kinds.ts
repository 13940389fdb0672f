import { ResourceType } from "../../contract/gen/gitpod/v1/event_pb.js";
import { type Project, ProjectSchema } from "../../contract/gen/gitpod/v1/project_pb.js";
import { sourceOfInitializer } from "../environment-source.ts";
import { type Columns, defineKind } from "./kind.ts";
import { msField } from "./kinds.ts";

export const projectKind = defineKind({
  name: "project",
  schema: ProjectSchema,
  resourceType: ResourceType.PROJECT,
  columns: ({ id, metadata, initializer }: Project): Columns => ({
    ...(metadata === undefined ? {} : { organizationId: metadata.organizationId }),
    creatorId: metadata?.creator?.id ?? "",
    projectId: id,
    // Where its working copies come from, as ListProjects asks for it.
    label: sourceOfInitializer(initializer),
    nameKey: metadata?.name.toLowerCase() ?? "",
    searchText: [metadata?.name, sourceOfInitializer(initializer)].join("\n"),
    sortText: metadata?.name ?? "",
    ...msField("createdAtMs", metadata?.createdAt),
  }),
});
