import { BerthError } from "../../contract/berth-error.ts";

/** Who a token is about: an organization, and one thing or person in it. */
export interface TokenPrincipal {
  readonly organizationId: string;
  readonly projectId?: string;
  readonly environmentId?: string;
  readonly userId?: string;
  readonly runnerId?: string;
  readonly serviceAccountId?: string;
}

/** `v2` is `org:<id>/prj:<id>/env:<id>`, `v3` is `organization_id:<id>:project_id:<id>:environment_id:<id>` with the same as claims. */
export type SubjectVersion = "v2" | "v3";

const names = {
  organizationId: ["org", "organization_id"],
  projectId: ["prj", "project_id"],
  environmentId: ["env", "environment_id"],
  userId: ["user", "user_id"],
  runnerId: ["rnr", "runner_id"],
  serviceAccountId: ["svc", "service_account_id"],
} as const satisfies Record<keyof TokenPrincipal, readonly [string, string]>;
const order = ["organizationId", "projectId", "environmentId", "userId", "runnerId", "serviceAccountId"] as const;
/** Nothing that parts of a subject are separated by, so that no id can pose as two. */
const idForm = /^[\w-]{1,64}$/;

/** The parts of a principal in order. Fails with `request-invalid` for an id of another form. */
function partsOf(principal: TokenPrincipal) {
  return order.flatMap((field) => {
    const id = principal[field];
    if (id === undefined) return [];
    if (!idForm.test(id)) throw new BerthError("request-invalid", `'${id.slice(0, 64)}' is no id`);
    return [{ short: names[field][0], long: names[field][1], id }];
  });
}

/** The `sub` claim. `extra` are further claims that an organization wants in it, in its order (v3). */
export function subjectOf(principal: TokenPrincipal, version: SubjectVersion, extra: readonly (readonly [string, string])[] = []): string {
  const parts = partsOf(principal);
  if (version === "v2") return parts.map(({ short, id }) => `${short}:${id}`).join("/");
  const all = [...parts.map(({ long, id }) => [long, id] as const), ...extra];
  return all.map(([name, value]) => `${name}:${encodeURIComponent(value)}`).join(":");
}

/** The principal as flat claims. */
export function principalClaims(principal: TokenPrincipal): Record<string, string> {
  return Object.fromEntries(partsOf(principal).map(({ long, id }) => [long, id]));
}
