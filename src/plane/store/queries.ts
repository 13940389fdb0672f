import { type Compilable, type CompiledQuery, type OperationNodeSource, type RawBuilder, type SelectQueryBuilder, sql } from "kysely";
import { type Announcement, type Change, type Row, type RowKey, StaleRead } from "./backend.ts";
import type { ListOptions, Period, SpanOptions, Where } from "./store.ts";
import type { QueryBuilder, Tables } from "./tables.ts";

/** Which rows a statement may see; `undefined` is beyond organizations. Here and in what PostgreSQL has of its own a scope becomes SQL. */
export type Scope = string | undefined;

/** Where a page begins: behind the row with this order key and id. */
export interface Cursor {
  readonly orderKey: number | string;
  readonly id: string;
}

type Select<O> = SelectQueryBuilder<Tables, "resources", O>;

/** What a message is read from. */
export const messageColumns = ["id", "organization_id", "data", "revision", "created_at_ms"] as const;
/** What a list is ordered by before the id. */
const orderColumns = { text: "sort_text", archivedAt: "archived_at_ms" } as const;

function selectOf(build: QueryBuilder, scope: Scope, kind: string): Select<object> {
  const all = build.selectFrom("resources").where("kind", "=", kind);
  return scope === undefined ? all : all.where("organization_id", "=", scope);
}

const nothing = sql<boolean>`1 = 0`;

function wanted<O>(query: Select<O>, where: Where): Select<O> {
  const lists = [
    ["id", where.ids],
    ["creator_id", where.creatorIds],
    ["runner_id", where.runnerIds],
    ["project_id", where.projectIds],
    ["parent_id", where.parentIds],
    ["parent_id", where.visibleParentIds],
    ["label", where.labels],
    ["phase", where.phases],
    ["role", where.roles],
  ] as const;
  let found = query;
  for (const [column, values] of lists)
    if (values !== undefined)
      found = found.where(values.length === 0 ? nothing : sql<boolean>`${sql.ref(column)} IN (${sql.join(values)})`);
  if (where.notIds !== undefined && where.notIds.length > 0) found = found.where("id", "not in", where.notIds);
  if (where.nameKey !== undefined) found = found.where("name_key", "=", where.nameKey);
  if (where.lookupKey !== undefined) found = found.where("lookup_key", "=", where.lookupKey);
  if (where.search !== undefined && where.search !== "")
    found = found.where(sql<boolean>`search_text LIKE ${`%${likeLiteral(where.search.toLowerCase())}%`} ESCAPE '!'`);
  if (where.isArchived !== undefined) found = found.where("archived_at_ms", where.isArchived ? ">" : "=", 0);
  if (where.archivedFromMs !== undefined) found = found.where("archived_at_ms", ">=", where.archivedFromMs);
  if (where.archivedBeforeMs !== undefined) found = found.where("archived_at_ms", "<", where.archivedBeforeMs);
  if (where.createdFromMs !== undefined) found = found.where("created_at_ms", ">=", where.createdFromMs);
  if (where.visible !== undefined) found = found.where(visible(where.visible));
  if (where.createdBeforeMs !== undefined) found = found.where("created_at_ms", "<", where.createdBeforeMs);
  if (where.expiresBeforeMs !== undefined) found = found.where("expires_at_ms", "<", where.expiresBeforeMs);
  return found;
}

function visible({ ownerId, others }: NonNullable<Where["visible"]>): RawBuilder<boolean> {
  if ("allBut" in others)
    return others.allBut.length === 0
      ? sql<boolean>`1 = 1`
      : sql<boolean>`(creator_id = ${ownerId} OR id NOT IN (${sql.join(others.allBut)}))`;
  return others.only.length === 0
    ? sql<boolean>`creator_id = ${ownerId}`
    : sql<boolean>`(creator_id = ${ownerId} OR id IN (${sql.join(others.only)}))`;
}

function likeLiteral(text: string): string {
  return text.replaceAll(/[!%_]/g, (special) => `!${special}`);
}

export function getQuery(build: QueryBuilder, { scope, kind, id }: RowKey): CompiledQuery {
  return selectOf(build, scope, kind).select(messageColumns).where("id", "=", id).compile();
}

/** Takes away all that belongs to an organization. */
export function eraseQuery(build: QueryBuilder, organizationId: string): CompiledQuery {
  return build.deleteFrom("resources").where("organization_id", "=", organizationId).compile();
}

export function sealedQuery(build: QueryBuilder, scope: Scope, kind: string, id: string): CompiledQuery {
  return selectOf(build, scope, kind).select("sealed").where("id", "=", id).compile();
}

/** What somebody wants to know before something is allowed; answered by `OrganizationStore.access`. */
export interface AccessQuestion {
  readonly organizationId: string;
  readonly kinds: readonly string[];
  readonly ids: readonly string[];
  readonly principalId: string;
}

/** The columns of the answer. */
export const accessColumns = ["kind", "id", "creator_id", "runner_id", "project_id", "parent_id", "phase", "role", "data"] as const;

/** What `OrganizationStore.spans` answers from. */
export function spansQuery(
  build: QueryBuilder,
  scope: string,
  kind: string,
  period: Period,
  { where = {}, limit }: SpanOptions,
): CompiledQuery {
  const columns = ["creator_id", "parent_id", "project_id", "label", "created_at_ms", "archived_at_ms"] as const;
  return wanted(selectOf(build, scope, kind).select(columns), where)
    .where("created_at_ms", "<", period.endMs)
    .where(sql<boolean>`(archived_at_ms = 0 OR archived_at_ms > ${period.startMs})`)
    .limit(limit)
    .compile();
}

export function countQuery(build: QueryBuilder, scope: Scope, kind: string, where: Where): CompiledQuery {
  return wanted(
    selectOf(build, scope, kind).select(({ fn }) => fn.countAll().as("n")),
    where,
  ).compile();
}

export function listQuery(
  build: QueryBuilder,
  scope: Scope,
  kind: string,
  { where = {}, orderBy = "id", order = "ascending", after, limit }: ListOptions & { readonly after?: Cursor; readonly limit?: number },
): CompiledQuery {
  const direction = order === "ascending" ? "asc" : "desc";
  const column = orderBy === "id" ? undefined : orderColumns[orderBy];
  let query = wanted(selectOf(build, scope, kind).select([...messageColumns, `${column ?? "id"} as order_key`]), where);
  if (after !== undefined) {
    const behind = order === "ascending" ? sql`>` : sql`<`;
    query =
      column === undefined
        ? query.where("id", order === "ascending" ? ">" : "<", after.id)
        : query.where(sql<boolean>`(${sql.ref(column)}, id) ${behind} (${after.orderKey}, ${after.id})`);
  }
  if (column !== undefined) query = query.orderBy(column, direction);
  query = query.orderBy("id", direction);
  return (limit === undefined ? query : query.limit(limit)).compile();
}

/** A statement of a commit. */
export interface CommitStep {
  readonly query: CompiledQuery;
  /** Looks at what the statement gave; throws `StaleRead` when a row is not as it was read, so that nothing is committed. */
  readonly check: (rows: readonly Row[]) => void;
}

/** The statements of a commit in order. None needs what another gave, so all can be sent before the first is answered. */
export function commitSteps(
  build: QueryBuilder,
  changes: readonly Change[],
  { nowMs, lock }: { readonly nowMs: number; readonly lock: boolean },
): readonly CommitStep[] {
  return changes.flatMap((change) => {
    if (change.does === "compare") return [compareStep(build, change, lock)];
    const isDone = (rows: readonly Row[]): void => {
      if (rows.length !== 1) throw new StaleRead(keyOf(change));
    };
    const step = { query: changeQuery(build, change).compile(), check: isDone };
    return change.announcement === undefined ? [step] : [step, eventStep(build, change, change.announcement, nowMs)];
  });
}

function compareStep(build: QueryBuilder, change: Extract<Change, { readonly does: "compare" }>, lock: boolean): CommitStep {
  const query = selectOf(build, change.scope, change.kind).select("revision").where("id", "=", change.id);
  const isAsRead = ([row]: readonly Row[]): void => {
    if (Number(row?.["revision"] ?? 0) !== change.revision) throw new StaleRead(keyOf(change));
  };
  return { query: (lock ? query.forShare() : query).compile(), check: isAsRead };
}

function eventStep(
  build: QueryBuilder,
  { kind, id }: Change,
  { organizationId, operation, creatorId, parentId }: Announcement,
  nowMs: number,
): CommitStep {
  const about = { organization_id: organizationId, kind, id, operation, creator_id: creatorId, parent_id: parentId };
  return {
    query: build
      .insertInto("events")
      .values({ ...about, created_at_ms: nowMs })
      .compile(),
    check: () => undefined,
  };
}

/** The statement of a change; it gives the id of the row, or nothing when the row is not as it was read. */
export function changeQuery(build: QueryBuilder, change: Exclude<Change, { readonly does: "compare" }>): Compilable & OperationNodeSource {
  const { kind, id, scope } = change;
  if (change.does === "insert") return build.insertInto("resources").values(change.row).returning("id");
  const isScoped = scope === undefined ? sql<boolean>`1 = 1` : sql<boolean>`organization_id = ${scope}`;
  if (change.does === "delete")
    return build
      .deleteFrom("resources")
      .where("kind", "=", kind)
      .where("id", "=", id)
      .where("revision", "=", change.revision)
      .where(isScoped)
      .returning("id");
  return build
    .updateTable("resources")
    .set({ ...change.row, revision: change.revision + 1 })
    .where("kind", "=", kind)
    .where("id", "=", id)
    .where("revision", "=", change.revision)
    .where(isScoped)
    .returning("id");
}

function keyOf({ kind, id }: Change): string {
  return `${kind}/${id}`;
}
