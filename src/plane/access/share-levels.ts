import { ResourceRole } from "../../contract/gen/gitpod/v1/group_pb.js";
import type { ShareLevel } from "../authorization/row.ts";

/** How much a role on one resource gives. */
export const shareLevelOf: ReadonlyMap<ResourceRole, ShareLevel> = new Map([
  [ResourceRole.ENVIRONMENT_VIEWER, "viewer"],
  [ResourceRole.ENVIRONMENT_USER, "user"],
  [ResourceRole.ENVIRONMENT_ADMIN, "admin"],
  [ResourceRole.PROJECT_USER, "user"],
  [ResourceRole.PROJECT_EDITOR, "editor"],
  [ResourceRole.PROJECT_ADMIN, "admin"],
  [ResourceRole.RUNNER_CONFIGURATION_READER, "viewer"],
  [ResourceRole.RUNNER_USER, "user"],
  [ResourceRole.RUNNER_ADMIN, "admin"],
  [ResourceRole.GROUP_VIEWER, "viewer"],
  [ResourceRole.GROUP_ADMIN, "admin"],
  [ResourceRole.SERVICE_ACCOUNT_ADMIN, "admin"],
  [ResourceRole.WARMPOOL_VIEWER, "viewer"],
  [ResourceRole.WARMPOOL_ADMIN, "admin"],
]);

/**
 * Projects and runners are for every member to use until somebody says who uses one; then they are for those, and for
 * whom more of it was given.
 */
export const restrictingRoles: readonly ResourceRole[] = [ResourceRole.PROJECT_USER, ResourceRole.RUNNER_USER];
