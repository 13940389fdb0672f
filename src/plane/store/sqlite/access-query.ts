import { type CompiledQuery, sql } from "kysely";
import { accessColumns, type AccessQuestion } from "../queries.ts";
import type { QueryBuilder } from "../tables.ts";

/** What `OrganizationStore.access` answers from. */
export function accessQuery(build: QueryBuilder, { organizationId, kinds, ids, principalId }: AccessQuestion): CompiledQuery {
  const columns = sql.join(accessColumns.map((column) => sql.ref(column)));
  return sql`WITH named AS (
      SELECT id, parent_id, runner_id, project_id FROM resources
      WHERE organization_id = ${organizationId} AND kind IN (${sql.join(kinds)}) AND id IN (${sql.join(ids)})
    ), around AS (
      SELECT id FROM named UNION SELECT parent_id FROM named UNION SELECT runner_id FROM named UNION SELECT project_id FROM named
    )
    SELECT ${columns} FROM resources
      WHERE organization_id = ${organizationId} AND kind IN (${sql.join(kinds)}) AND id IN (SELECT id FROM around)
    UNION ALL SELECT ${columns} FROM resources
      WHERE organization_id = ${organizationId} AND kind = 'role-assignment'
        AND (project_id IN (SELECT id FROM around) OR parent_id IN (SELECT id FROM around))
    UNION ALL SELECT ${columns} FROM resources
      WHERE organization_id = ${organizationId} AND kind = 'group-membership' AND creator_id = ${principalId}`.compile(build);
}
