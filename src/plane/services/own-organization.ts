import { BerthError } from "../../contract/berth-error.ts";
import type { RequestScope } from "../request-scope.ts";

/** Fails with `resource-not-found` for another organization than the caller's. */
export function requireOwnOrganization({ store }: RequestScope, organizationId: string): void {
  if (organizationId !== store.organizationId) throw new BerthError("resource-not-found", `there is no organization ${organizationId}`);
}
