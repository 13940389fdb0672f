/** Forward only; the number of a migration is its place in this list, counted from 1. Never edit one. */
export const migrations: readonly string[] = [
  // Keys compare by bytes, as in SQLite and in page tokens, whatever the database's own collation is.
  `CREATE TABLE resources (
     kind text COLLATE "C" NOT NULL,
     id text COLLATE "C" NOT NULL,
     organization_id text COLLATE "C" NOT NULL,
     data bytea NOT NULL,
     sealed bytea,
     revision bigint NOT NULL,
     created_at_ms bigint NOT NULL,
     creator_id text COLLATE "C" NOT NULL,
     runner_id text COLLATE "C" NOT NULL,
     project_id text COLLATE "C" NOT NULL,
     parent_id text COLLATE "C" NOT NULL,
     label text COLLATE "C" NOT NULL,
     phase integer NOT NULL,
     role integer NOT NULL,
     name_key text COLLATE "C",
     lookup_key text COLLATE "C",
     search_text text COLLATE "C" NOT NULL,
     sort_text text COLLATE "C" NOT NULL,
     archived_at_ms bigint NOT NULL,
     expires_at_ms bigint,
     PRIMARY KEY (kind, id)
   );
   CREATE INDEX resources_by_organization ON resources (kind, organization_id, id);
   CREATE INDEX resources_by_parent ON resources (kind, parent_id, id);
   CREATE INDEX resources_by_runner ON resources (kind, runner_id, id);
   CREATE UNIQUE INDEX resources_by_name ON resources (kind, organization_id, name_key);
   CREATE UNIQUE INDEX resources_by_lookup ON resources (kind, lookup_key);
   CREATE TABLE events (
     -- Sequence numbers become visible out of order; transaction ids tell when nothing before them can come any more.
     xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
     seq bigint GENERATED ALWAYS AS IDENTITY,
     organization_id text NOT NULL,
     kind text NOT NULL,
     id text NOT NULL,
     operation integer NOT NULL,
     creator_id text NOT NULL,
     parent_id text NOT NULL,
     created_at_ms bigint NOT NULL,
     PRIMARY KEY (xid, seq)
   );
   CREATE INDEX events_by_time ON events (created_at_ms);
   CREATE TABLE settings (name text PRIMARY KEY, value text NOT NULL);`,
  // Events of an environment reach its runner; what somebody was given, and what was given on something, is looked up on every call.
  `UPDATE resources SET parent_id = runner_id WHERE kind = 'environment';
   CREATE INDEX resources_by_creator ON resources (kind, creator_id, id);
   CREATE INDEX resources_by_project ON resources (kind, project_id, id);`,
  // What an organization used is looked for by when it ended.
  `CREATE INDEX resources_by_end ON resources (kind, organization_id, archived_at_ms);`,
];
