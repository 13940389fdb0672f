import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { CountResponseRelation } from "../../contract/gen/gitpod/v1/count_pb.js";
import {
  type Environment,
  type ListEnvironmentsRequest,
  type ListEnvironmentsRequest_Filter,
  ListEnvironmentsRequest_ArchivalStatus,
  ListEnvironmentsRequest_SortField,
  type ListEnvironmentsResponseSchema,
} from "../../contract/gen/gitpod/v1/environment_pb.js";
import { SortOrder } from "../../contract/gen/gitpod/v1/pagination_pb.js";
import { RunnerKind } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { paginate } from "../pagination.ts";

/** Milliseconds as text that sorts like the number. */
const timeDigits = 15;

/** Answers ListEnvironments; what is archived is left out unless it is asked for. */
export function listEnvironments(
  request: ListEnvironmentsRequest,
  environments: readonly Environment[],
  localRunnerId: string,
): MessageInitShape<typeof ListEnvironmentsResponseSchema> {
  const { filter, sort, pagination, count } = request;
  const keyOf =
    sort?.field === ListEnvironmentsRequest_SortField.ARCHIVED_AT
      ? (e: Environment): string => `${String(msOf(e.metadata?.archivedAt) ?? 0).padStart(timeDigits, "0")}/${e.id}`
      : (e: Environment): string => e.id;
  const order = sort?.order === SortOrder.DESC ? "descending" : "ascending";
  const found = environments
    .filter((e) => isArchivalWanted(filter, e) && (filter === undefined || isWanted(filter, e, localRunnerId)))
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1) * (order === "ascending" ? 1 : -1));
  const { page, nextToken } = paginate(found, keyOf, pagination, order);
  return {
    environments: page,
    pagination: { nextToken },
    ...(count?.include === true ? { count: { value: found.length, relation: CountResponseRelation.EQ } } : {}),
  };
}

function isArchivalWanted(filter: ListEnvironmentsRequest_Filter | undefined, { metadata }: Environment): boolean {
  const archived = metadata?.archivedAt !== undefined;
  switch (filter?.archivalStatus) {
    case ListEnvironmentsRequest_ArchivalStatus.ALL:
      return true;
    case ListEnvironmentsRequest_ArchivalStatus.ARCHIVED:
      return archived;
    case ListEnvironmentsRequest_ArchivalStatus.ACTIVE:
    case ListEnvironmentsRequest_ArchivalStatus.UNSPECIFIED:
    case undefined:
      return !archived;
  }
}

function isWanted(filter: ListEnvironmentsRequest_Filter, { id, metadata, status }: Environment, localRunnerId: string): boolean {
  if (metadata === undefined) return false;
  const search = filter.search.toLowerCase();
  return (
    isBefore(metadata.createdAt, filter.createdBefore) &&
    isBefore(metadata.lockdownAt, filter.lockdownBefore) &&
    [metadata.name, metadata.originalContextUrl, id].some((text) => text.toLowerCase().includes(search)) &&
    isOneOf(filter.runnerIds, metadata.runnerId) &&
    isOneOf(filter.creatorIds, metadata.creator?.id ?? "") &&
    isOneOf(filter.projectIds, metadata.projectId) &&
    isOneOf(filter.sessionIds, metadata.sessionId) &&
    isOneOf(filter.roles, metadata.role) &&
    isOneOf(filter.statusPhases, status?.phase ?? 0) &&
    isOneOf(filter.runnerKinds, metadata.runnerId === localRunnerId ? RunnerKind.LOCAL : RunnerKind.REMOTE)
  );
}

function isOneOf<T>(wanted: readonly T[], value: T): boolean {
  return wanted.length === 0 || wanted.includes(value);
}

/** Without a limit everything is before it; without a time nothing is before a limit. */
function isBefore(time: Timestamp | undefined, limit: Timestamp | undefined): boolean {
  return limit === undefined || (msOf(time) ?? Infinity) < timestampMs(limit);
}

function msOf(time: Timestamp | undefined): number | undefined {
  return time === undefined ? undefined : timestampMs(time);
}
