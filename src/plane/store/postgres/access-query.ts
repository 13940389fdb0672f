import { type CompiledQuery, type RawBuilder, sql } from "kysely";
import { accessColumns, type AccessQuestion } from "../queries.ts";
import type { QueryBuilder } from "../tables.ts";

/**
 * What `OrganizationStore.access` answers from. Each part is looked up by the index of its key, and the organization is
 * compared behind an `OFFSET 0`, over which the planner moves nothing: left to itself it reads all rows of an organization
 * while it has no statistics of the table.
 */
export function accessQuery(build: QueryBuilder, { organizationId, kinds, ids, principalId }: AccessQuestion): CompiledQuery {
  const columns = sql.join(accessColumns.map((column) => sql.ref(column)));
  const foundBy = (keys: RawBuilder<unknown>): RawBuilder<unknown> =>
    sql`(SELECT ${columns}, organization_id FROM resources WHERE ${keys} OFFSET 0) AS found`;
  const within = sql`found.organization_id = ${organizationId}`;
  const found = sql.join(accessColumns.map((column) => sql.ref(`found.${column}`)));
  const byId = foundBy(sql`kind = ANY (${kinds}::text[]) AND id = wanted.id COLLATE "C"`);
  return sql`WITH named AS MATERIALIZED (
      SELECT found.id, found.parent_id, found.runner_id, found.project_id
      FROM (SELECT DISTINCT id FROM unnest(${ids}::text[]) AS given (id)) AS wanted CROSS JOIN LATERAL ${byId} WHERE ${within}
    ), wanted AS MATERIALIZED (
      SELECT id FROM named UNION SELECT parent_id FROM named UNION SELECT runner_id FROM named UNION SELECT project_id FROM named
    )
    SELECT ${found} FROM wanted CROSS JOIN LATERAL ${byId} WHERE ${within}
    UNION ALL SELECT ${found} FROM wanted
      CROSS JOIN LATERAL ${foundBy(sql`kind = 'role-assignment' AND project_id = wanted.id`)} WHERE ${within}
    UNION ALL SELECT ${found} FROM wanted
      CROSS JOIN LATERAL ${foundBy(sql`kind = 'role-assignment' AND parent_id = wanted.id AND project_id <> wanted.id`)} WHERE ${within}
    UNION ALL SELECT ${found} FROM ${foundBy(sql`kind = 'group-membership' AND creator_id = ${principalId}`)} WHERE ${within}`.compile(
    build,
  );
}
