import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { z } from "zod";
import { ResourceOperation } from "../../contract/gen/gitpod/v1/event_pb.js";
import type { Announcement, Row } from "./backend.ts";
import type { Columns, Kind } from "./kind.ts";
import type { AccessRow, Span, Stored, StoreEvent } from "./store.ts";
import type { ResourcesTable } from "./tables.ts";

/** A row as services see it. */
export function storedOf<Desc extends DescMessage>(kind: Kind<Desc>, row: Row): Stored<Desc> {
  const { id, organization_id: organizationId, data, revision, created_at_ms: createdAtMs } = row;
  if (typeof id !== "string" || typeof organizationId !== "string" || !(data instanceof Uint8Array))
    throw new Error(`a ${kind.name} in the database is not readable`);
  return { id, organizationId, message: fromBinary(kind.schema, data), revision: Number(revision), createdAtMs: Number(createdAtMs) };
}

/** The columns that follow from a message. */
export function columnsOf(
  columns: Columns,
): Omit<ResourcesTable, "kind" | "id" | "organization_id" | "data" | "sealed" | "revision" | "created_at_ms"> {
  return {
    creator_id: columns.creatorId ?? "",
    runner_id: columns.runnerId ?? "",
    project_id: columns.projectId ?? "",
    parent_id: columns.parentId ?? "",
    label: columns.label ?? "",
    phase: columns.phase ?? 0,
    role: columns.role ?? 0,
    name_key: columns.nameKey || null,
    lookup_key: columns.lookupKey || null,
    search_text: columns.searchText?.toLowerCase() ?? "",
    sort_text: columns.sortText?.toLowerCase() ?? "",
    archived_at_ms: columns.archivedAtMs ?? 0,
    expires_at_ms: columns.expiresAtMs ?? null,
  };
}

/** A message as a new row. */
export function newRow<Desc extends DescMessage>(
  kind: Kind<Desc>,
  {
    id,
    organizationId,
    message,
    nowMs,
    sealed,
  }: { id: string; organizationId: string; message: MessageShape<Desc>; nowMs: number; sealed: Uint8Array | undefined },
): ResourcesTable {
  const columns = kind.columns(message);
  return {
    ...columnsOf(columns),
    kind: kind.name,
    id,
    organization_id: organizationId,
    data: toBinary(kind.schema, message),
    sealed: sealed ?? null,
    revision: 1,
    created_at_ms: columns.createdAtMs ?? nowMs,
  };
}

/** What a change of a kind tells watchers; nothing where nobody is told of the kind. */
export function announcementOf<Desc extends DescMessage>(
  kind: Kind<Desc>,
  change: { readonly organizationId: string; readonly message: MessageShape<Desc>; readonly operation: ResourceOperation },
): { readonly announcement?: Announcement } {
  if (kind.resourceType === undefined) return {};
  const { creatorId = "", parentId = "" } = kind.columns(change.message);
  const { organizationId, operation, message } = change;
  return {
    announcement: { organizationId, operation, creatorId, parentId, ...(operation === ResourceOperation.DELETE ? {} : { message }) },
  };
}

/** A row that was selected for its times. */
export function spanOf(row: Row): Span {
  const endMs = Number(row["archived_at_ms"]);
  return {
    creatorId: textOf(row, "creator_id"),
    parentId: textOf(row, "parent_id"),
    projectId: textOf(row, "project_id"),
    label: textOf(row, "label"),
    startMs: Number(row["created_at_ms"]),
    endMs: endMs === 0 ? undefined : endMs,
  };
}

function textOf(row: Row, column: string): string {
  const value = row[column];
  return typeof value === "string" ? value : "";
}

/** A row of the query that decides about access. */
export function accessRowOf(row: Row): AccessRow {
  const { data } = row;
  const text = (name: string): string => textOf(row, name);
  return {
    kind: text("kind"),
    id: text("id"),
    creatorId: text("creator_id"),
    runnerId: text("runner_id"),
    projectId: text("project_id"),
    parentId: text("parent_id"),
    phase: Number(row["phase"]),
    role: Number(row["role"]),
    data: data instanceof Uint8Array ? data : new Uint8Array(),
  };
}

/** A row of the outbox. */
export function eventOf(row: Row): StoreEvent {
  return {
    position: String(row["position"]),
    organizationId: String(row["organization_id"]),
    kind: String(row["kind"]),
    id: String(row["id"]),
    operation: z.enum(ResourceOperation).catch(ResourceOperation.UNSPECIFIED).parse(Number(row["operation"])),
    creatorId: String(row["creator_id"]),
    parentId: String(row["parent_id"]),
  };
}
