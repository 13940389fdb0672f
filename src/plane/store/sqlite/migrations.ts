import { fromBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { DatabaseSync } from "node:sqlite";
import { EnvironmentSchema } from "../../../contract/gen/gitpod/v1/environment_pb.js";
import { HostAuthenticationTokenSchema } from "../../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { SecretSchema } from "../../../contract/gen/gitpod/v1/secret_pb.js";
import { sshAliasOf } from "../../../lib/ssh-alias.ts";

/** SQL, or what has to read the rows. */
export type Migration = string | ((database: DatabaseSync) => void);

/** Forward only; the number of a migration is its place in this list, counted from 1. Never edit one. */
export const migrations: readonly Migration[] = [
  `CREATE TABLE resources (
     kind TEXT NOT NULL,
     id TEXT NOT NULL,
     data BLOB NOT NULL,
     sealed BLOB,
     created_at_ms INTEGER NOT NULL,
     PRIMARY KEY (kind, id)
   ) STRICT;
   CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;`,
  (database) => {
    database.exec(columnsOfVersion2);
    fillVersion2(database);
    database.exec(indexesOfVersion2);
  },
  // Events of an environment reach its runner; what somebody was given, and what was given on something, is looked up on every call.
  `UPDATE resources SET parent_id = runner_id WHERE kind = 'environment';
   CREATE INDEX resources_by_creator ON resources (kind, creator_id, id);
   CREATE INDEX resources_by_project ON resources (kind, project_id, id);`,
  // What an organization used is looked for by when it ended.
  `CREATE INDEX resources_by_end ON resources (kind, organization_id, archived_at_ms);`,
];

const columnsOfVersion2 = `
  ALTER TABLE resources ADD COLUMN organization_id TEXT NOT NULL DEFAULT '';
  ALTER TABLE resources ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE resources ADD COLUMN creator_id TEXT NOT NULL DEFAULT '';
  ALTER TABLE resources ADD COLUMN runner_id TEXT NOT NULL DEFAULT '';
  ALTER TABLE resources ADD COLUMN project_id TEXT NOT NULL DEFAULT '';
  ALTER TABLE resources ADD COLUMN parent_id TEXT NOT NULL DEFAULT '';
  ALTER TABLE resources ADD COLUMN label TEXT NOT NULL DEFAULT '';
  ALTER TABLE resources ADD COLUMN phase INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE resources ADD COLUMN role INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE resources ADD COLUMN name_key TEXT;
  ALTER TABLE resources ADD COLUMN lookup_key TEXT;
  ALTER TABLE resources ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
  ALTER TABLE resources ADD COLUMN sort_text TEXT NOT NULL DEFAULT '';
  ALTER TABLE resources ADD COLUMN archived_at_ms INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE resources ADD COLUMN expires_at_ms INTEGER;
  CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    organization_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    operation INTEGER NOT NULL,
    creator_id TEXT NOT NULL,
    parent_id TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
  ) STRICT;
  UPDATE resources SET organization_id = coalesce((SELECT value FROM settings WHERE name = 'organization-id'), '');`;

const indexesOfVersion2 = `
  CREATE INDEX resources_by_organization ON resources (kind, organization_id, id);
  CREATE INDEX resources_by_parent ON resources (kind, parent_id, id);
  CREATE INDEX resources_by_runner ON resources (kind, runner_id, id);
  CREATE UNIQUE INDEX resources_by_name ON resources (kind, organization_id, name_key);
  CREATE UNIQUE INDEX resources_by_lookup ON resources (kind, lookup_key);
  CREATE INDEX events_by_time ON events (created_at_ms);`;

/** What version 1 had only inside of the messages. */
function fillVersion2(database: DatabaseSync): void {
  const rows = database.prepare("SELECT kind, id, data FROM resources ORDER BY id").all();
  const taken = new Set<string>();
  // Two of one name were never possible; should there be some, the later keeps its name without the key.
  const freeKey = (kind: string, nameKey: string): string | null => {
    const isTaken = taken.has(`${kind}/${nameKey}`);
    taken.add(`${kind}/${nameKey}`);
    return isTaken ? null : nameKey;
  };
  const set = (kind: string, id: string, values: Readonly<Record<string, string | number | null>>): void => {
    const names = Object.keys(values);
    const assignments = names.map((name) => `${name} = ?`).join(", ");
    database.prepare(`UPDATE resources SET ${assignments} WHERE kind = ? AND id = ?`).run(...Object.values(values), kind, id);
  };
  for (const { kind, id, data } of rows) {
    if (typeof id !== "string" || !(data instanceof Uint8Array)) continue;
    if (kind === "environment") {
      const { columns, nameKey } = environmentColumns(data);
      set(kind, id, { ...columns, name_key: freeKey(kind, nameKey) });
    }
    if (kind === "secret") {
      const { columns, nameKey } = secretColumns(data);
      set(kind, id, { ...columns, name_key: freeKey(kind, nameKey) });
    }
    if (kind === "host-token") set(kind, id, tokenColumns(data));
  }
}

interface FilledColumns {
  readonly columns: Record<string, string | number | null>;
  readonly nameKey: string;
}

function environmentColumns(data: Uint8Array): FilledColumns {
  const { id, metadata, status } = fromBinary(EnvironmentSchema, data);
  const creatorId = metadata?.creator?.id ?? "";
  return {
    nameKey: `${creatorId}/${sshAliasOf(metadata?.name ?? "", "")}`,
    columns: {
      creator_id: creatorId,
      runner_id: metadata?.runnerId ?? "",
      project_id: metadata?.projectId ?? "",
      label: metadata?.sessionId ?? "",
      phase: status?.phase ?? 0,
      role: metadata?.role ?? 0,
      search_text: [metadata?.name, metadata?.originalContextUrl, id].join("\n").toLowerCase(),
      archived_at_ms: metadata?.archivedAt === undefined ? 0 : timestampMs(metadata.archivedAt),
      expires_at_ms: metadata?.lockdownAt === undefined ? null : timestampMs(metadata.lockdownAt),
    },
  };
}

function secretColumns(data: Uint8Array): FilledColumns {
  const { name, creator, scope, mount } = fromBinary(SecretSchema, data);
  const projectId = scope?.scope.case === "projectId" ? scope.scope.value : "";
  const place = mount.case === "environmentVariable" || mount.case === "apiOnly" ? name : mount.value;
  return {
    nameKey: [scope?.scope.case ?? "", scope?.scope.value ?? "", `${mount.case ?? ""}:${place ?? ""}`].join("/"),
    columns: { creator_id: creator?.id ?? "", parent_id: scope?.scope.value ?? "", project_id: projectId },
  };
}

function tokenColumns(data: Uint8Array): Record<string, string | number | null> {
  const { runnerId, subject, expiresAt } = fromBinary(HostAuthenticationTokenSchema, data);
  return { creator_id: subject?.id ?? "", runner_id: runnerId, expires_at_ms: expiresAt === undefined ? null : timestampMs(expiresAt) };
}
