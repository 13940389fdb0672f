import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { BerthError } from "../../contract/berth-error.ts";
import type { AuditRecord } from "../../contract/gen/berth/v1/audit_records_pb.js";
import {
  AuditLogEntryKind,
  type EventService,
  type ListAuditLogsRequest_Filter,
  type ListAuditLogsResponse_AuditLogEntry,
  ListAuditLogsResponse_AuditLogEntrySchema,
  ResourceOperation,
} from "../../contract/gen/gitpod/v1/event_pb.js";
import { SortOrder } from "../../contract/gen/gitpod/v1/pagination_pb.js";
import { auditKind } from "../audit/audit-kind.ts";
import type { ScopeOf } from "../request-scope.ts";
import type { Where } from "../store/store.ts";
import { found } from "./found.ts";

const operations: Readonly<Record<ResourceOperation, string>> = {
  [ResourceOperation.UNSPECIFIED]: "changed",
  [ResourceOperation.CREATE]: "created",
  [ResourceOperation.UPDATE]: "updated",
  [ResourceOperation.UPDATE_STATUS]: "updated",
  [ResourceOperation.DELETE]: "deleted",
};

/** The audit log of an organization; the newest entries come first unless the request says otherwise. */
export function auditLog({
  scopeOf,
}: {
  readonly scopeOf: ScopeOf;
}): Pick<ServiceImpl<typeof EventService>, "listAuditLogs" | "getAuditLog"> {
  return {
    listAuditLogs: async ({ pagination, filter, sort }, context) => {
      if (sort !== undefined && !["", "createdAt", "created_at"].includes(sort.field))
        throw new BerthError("request-invalid", "sort.field: the audit log is sorted by createdAt");
      const { items, nextToken } = await scopeOf(context).store.list(auditKind, pagination, {
        where: wanted(filter),
        order: sort?.order === SortOrder.ASC ? "ascending" : "descending",
      });
      return { entries: items.map(({ message }) => entryOf(message)), pagination: { nextToken } };
    },
    getAuditLog: async ({ auditLogEntryId }, context) => ({
      entry: entryOf((await found(scopeOf(context).store, auditKind, auditLogEntryId, "entry of the audit log")).message),
    }),
  };
}

function wanted(filter: ListAuditLogsRequest_Filter | undefined): Where {
  if (filter === undefined) return {};
  return {
    ...(filter.actorIds.length === 0 ? {} : { creatorIds: filter.actorIds }),
    ...(filter.actorPrincipals.length === 0 ? {} : { roles: filter.actorPrincipals }),
    ...(filter.subjectIds.length === 0 ? {} : { parentIds: filter.subjectIds }),
    ...(filter.subjectTypes.length === 0 ? {} : { phases: filter.subjectTypes }),
    ...(filter.from === undefined ? {} : { createdFromMs: timestampMs(filter.from) }),
    ...(filter.to === undefined ? {} : { createdBeforeMs: timestampMs(filter.to) }),
  };
}

/** e.g. `UpdateProject: updated metadata.name`. */
function entryOf(record: AuditRecord): ListAuditLogsResponse_AuditLogEntry {
  const { id, actor, subjectId, subjectType, method, operation, changedFields, createdAt } = record;
  const did = [operations[operation], changedFields.join(", ")].filter((part) => part !== "").join(" ");
  return create(ListAuditLogsResponse_AuditLogEntrySchema, {
    id,
    actorId: actor?.id ?? "",
    ...(actor === undefined ? {} : { actorPrincipal: actor.principal }),
    subjectId,
    subjectType,
    action: `${method.slice(method.indexOf("/") + 1)}: ${did}`,
    kind: AuditLogEntryKind.RESOURCE_CHANGE,
    ...(createdAt === undefined ? {} : { createdAt }),
  });
}
