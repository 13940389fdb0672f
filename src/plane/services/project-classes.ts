import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import { type ProjectEnvironmentClass, ProjectSchema, type ProjectService } from "../../contract/gen/gitpod/v1/project_pb.js";
import { paginate } from "../pagination.ts";
import { projectKind } from "../store/project-kinds.ts";
import { found } from "./found.ts";
import type { ProjectDependencies } from "./project-dependencies.ts";

/** The classes that environments of a project can have, the preferred first. */
export function projectClasses({ scopeOf, fleet, tokens, now }: ProjectDependencies): Partial<ServiceImpl<typeof ProjectService>> {
  return {
    listProjectEnvironmentClasses: async ({ projectId, pagination }, context) => {
      const { message } = await found(scopeOf(context).store, projectKind, projectId, "project");
      const list = `project-classes/${projectId}`;
      const { page, nextToken } = paginate(message.environmentClasses, keyOf, pagination, { tokens, list });
      return { projectEnvironmentClasses: page, pagination: { nextToken } };
    },
    updateProjectEnvironmentClasses: async ({ projectId, projectEnvironmentClasses }, context) => {
      const scope = scopeOf(context);
      const known = new Set((await fleet.classes(scope.store.organizationId)).map(({ id }) => id));
      for (const { environmentClass } of projectEnvironmentClasses)
        if (environmentClass.case === "environmentClassId" && !known.has(environmentClass.value))
          throw new BerthError("resource-not-found", `there is no environment class ${environmentClass.value}`);
      if (
        new Set(projectEnvironmentClasses.map(({ environmentClass }) => String(environmentClass.value))).size <
        projectEnvironmentClasses.length
      )
        throw new BerthError("request-invalid", "project_environment_classes names a class twice");
      const environmentClasses = projectEnvironmentClasses.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
      await scope.store.transaction(async (tx) => {
        const stored = await found(tx, projectKind, projectId, "project");
        const { metadata } = stored.message;
        const changed = {
          ...(metadata === undefined ? {} : { metadata: { ...metadata, updatedAt: timestampFromMs(now()) } }),
          environmentClasses,
        };
        tx.update(projectKind, stored, create(ProjectSchema, { ...stored.message, ...changed }));
      });
      return {};
    },
  };
}

/** Digits of an order, which is a 32-bit number from 0 on. */
const orderDigits = 10;

function keyOf({ order, environmentClass }: ProjectEnvironmentClass): string {
  return `${String(Math.max(0, order)).padStart(orderDigits, "0")}/${String(environmentClass.value)}`;
}
