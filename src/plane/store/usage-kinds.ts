import { timestampMs } from "@bufbuild/protobuf/wkt";
import { EnvironmentUsageRecordSchema } from "../../contract/gen/gitpod/v1/usage_pb.js";
import { type Columns, defineKind } from "./kind.ts";
import { msField } from "./kinds.ts";

/** From when until when an environment ran; one that runs has no end. */
export const environmentUsageKind = defineKind({
  name: "environment-usage",
  schema: EnvironmentUsageRecordSchema,
  columns: ({ environmentId, userId, projectId, runnerId, environmentClassId, createdAt, stoppedAt }): Columns => ({
    creatorId: userId,
    runnerId,
    projectId,
    parentId: environmentId,
    label: environmentClassId,
    ...msField("createdAtMs", createdAt),
    ...(stoppedAt === undefined ? {} : { archivedAtMs: timestampMs(stoppedAt) }),
  }),
});
