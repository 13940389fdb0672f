import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { CountResponseRelation } from "../../contract/gen/gitpod/v1/count_pb.js";
import {
  type ListEnvironmentsRequest,
  type ListEnvironmentsRequest_Filter,
  ListEnvironmentsRequest_ArchivalStatus,
  ListEnvironmentsRequest_SortField,
  type ListEnvironmentsResponseSchema,
} from "../../contract/gen/gitpod/v1/environment_pb.js";
import { SortOrder } from "../../contract/gen/gitpod/v1/pagination_pb.js";
import { visibleEnvironments } from "../access/visibility.ts";
import type { RequestScope } from "../request-scope.ts";
import type { Fleet } from "../fleet.ts";
import { environmentKind } from "../store/kinds.ts";
import type { Where } from "../store/store.ts";

/** Answers ListEnvironments; what is archived is left out unless it is asked for. */
export async function listEnvironments(
  { filter, sort, pagination, count }: ListEnvironmentsRequest,
  { scope, fleet }: { readonly scope: RequestScope; readonly fleet: Fleet },
): Promise<MessageInitShape<typeof ListEnvironmentsResponseSchema>> {
  const { store } = scope;
  const where = {
    ...archivalWanted(filter),
    ...(filter === undefined ? {} : await wanted(filter, store.organizationId, fleet)),
    ...(await visibleEnvironments(scope)),
  };
  const { items, nextToken } = await store.list(environmentKind, pagination, {
    where,
    orderBy: sort?.field === ListEnvironmentsRequest_SortField.ARCHIVED_AT ? "archivedAt" : "id",
    order: sort?.order === SortOrder.DESC ? "descending" : "ascending",
  });
  const value = count?.include === true ? await store.count(environmentKind, where) : undefined;
  return {
    environments: items.map(({ message }) => message),
    pagination: { nextToken },
    ...(value === undefined ? {} : { count: { value, relation: CountResponseRelation.EQ } }),
  };
}

function archivalWanted(filter: ListEnvironmentsRequest_Filter | undefined): Where {
  switch (filter?.archivalStatus) {
    case ListEnvironmentsRequest_ArchivalStatus.ALL:
      return {};
    case ListEnvironmentsRequest_ArchivalStatus.ARCHIVED:
      return { isArchived: true };
    case ListEnvironmentsRequest_ArchivalStatus.ACTIVE:
    case ListEnvironmentsRequest_ArchivalStatus.UNSPECIFIED:
    case undefined:
      return { isArchived: false };
  }
}

async function wanted(filter: ListEnvironmentsRequest_Filter, organizationId: string, fleet: Fleet): Promise<Where> {
  const runnerIds = await runnersWanted(filter, organizationId, fleet);
  return {
    ...(runnerIds === undefined ? {} : { runnerIds }),
    ...(filter.creatorIds.length === 0 ? {} : { creatorIds: filter.creatorIds }),
    ...(filter.projectIds.length === 0 ? {} : { projectIds: filter.projectIds }),
    ...(filter.sessionIds.length === 0 ? {} : { labels: filter.sessionIds }),
    ...(filter.roles.length === 0 ? {} : { roles: filter.roles }),
    ...(filter.statusPhases.length === 0 ? {} : { phases: filter.statusPhases }),
    ...(filter.search === "" ? {} : { search: filter.search }),
    ...(filter.createdBefore === undefined ? {} : { createdBeforeMs: timestampMs(filter.createdBefore) }),
    ...(filter.lockdownBefore === undefined ? {} : { expiresBeforeMs: timestampMs(filter.lockdownBefore) }),
  };
}

/** The runners that are named and of a wanted kind; undefined where all are wanted. */
async function runnersWanted(
  { runnerIds, runnerKinds }: ListEnvironmentsRequest_Filter,
  organizationId: string,
  fleet: Fleet,
): Promise<string[] | undefined> {
  if (runnerKinds.length === 0) return runnerIds.length === 0 ? undefined : runnerIds;
  const ofKind = (await fleet.runners(organizationId)).filter(({ kind }) => runnerKinds.includes(kind)).map(({ runnerId }) => runnerId);
  return runnerIds.length === 0 ? ofKind : ofKind.filter((id) => runnerIds.includes(id));
}
