import { DummyDriver, type Generated, Kysely, type QueryCompiler, type DialectAdapter, SqliteIntrospector } from "kysely";

/** The records; the same columns in SQLite and PostgreSQL. */
export interface ResourcesTable {
  kind: string;
  id: string;
  organization_id: string;
  data: Uint8Array;
  sealed: Uint8Array | null;
  revision: number;
  created_at_ms: number;
  creator_id: string;
  runner_id: string;
  project_id: string;
  parent_id: string;
  label: string;
  phase: number;
  role: number;
  name_key: string | null;
  lookup_key: string | null;
  search_text: string;
  sort_text: string;
  archived_at_ms: number;
  expires_at_ms: number | null;
}

/** The outbox: what was committed together with each change. */
interface EventsTable {
  seq: Generated<number>;
  organization_id: string;
  kind: string;
  id: string;
  operation: number;
  creator_id: string;
  parent_id: string;
  created_at_ms: number;
}

export interface Tables {
  resources: ResourcesTable;
  events: EventsTable;
  settings: { name: string; value: string };
}

/** Builds statements of one dialect; carrying them out is the backend's. */
export type QueryBuilder = Kysely<Tables>;

export function queryBuilder(dialect: { readonly compiler: () => QueryCompiler; readonly adapter: () => DialectAdapter }): QueryBuilder {
  return new Kysely<Tables>({
    dialect: {
      createAdapter: dialect.adapter,
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: dialect.compiler,
    },
  });
}
