import { CompiledQuery } from "kysely";
import { accessColumns, type AccessQuestion } from "../queries.ts";

/** Records that the keys name, found by an index; nothing is moved over an `OFFSET 0` by the planner. */
const foundBy = (keys: string): string =>
  `(SELECT ${accessColumns.join(", ")}, organization_id FROM resources WHERE ${keys} OFFSET 0) AS found`;
const byId = foundBy(`kind = ANY ($2::text[]) AND id = wanted.id COLLATE "C"`);
const found = accessColumns.map((column) => `found.${column}`).join(", ");

/**
 * Each part is looked up by the index of its key, and the organization is compared afterwards: left to itself the planner
 * reads all rows of an organization while it has no statistics of the table. $1 organization, $2 kinds, $3 ids, $4 principal.
 */
const text = `
  WITH named AS MATERIALIZED (
    SELECT found.id, found.parent_id, found.runner_id, found.project_id
    FROM (SELECT DISTINCT id FROM unnest($3::text[]) AS given (id)) AS wanted CROSS JOIN LATERAL ${byId} WHERE found.organization_id = $1
  ), wanted AS MATERIALIZED (
    SELECT id FROM named UNION SELECT parent_id FROM named UNION SELECT runner_id FROM named UNION SELECT project_id FROM named
  )
  SELECT ${found} FROM wanted CROSS JOIN LATERAL ${byId} WHERE found.organization_id = $1
  UNION ALL SELECT ${found} FROM wanted
    CROSS JOIN LATERAL ${foundBy("kind = 'role-assignment' AND project_id = wanted.id")} WHERE found.organization_id = $1
  UNION ALL SELECT ${found} FROM wanted
    CROSS JOIN LATERAL ${foundBy("kind = 'role-assignment' AND parent_id = wanted.id AND project_id <> wanted.id")} WHERE found.organization_id = $1
  UNION ALL SELECT ${found} FROM ${foundBy("kind = 'group-membership' AND creator_id = $4")} WHERE found.organization_id = $1`;

/** What `OrganizationStore.access` answers from. */
export function accessQuery({ organizationId, kinds, ids, principalId }: AccessQuestion): CompiledQuery {
  return CompiledQuery.raw(text, [organizationId, kinds, ids, principalId]);
}
