import { BerthError } from "../../contract/berth-error.ts";
import type { RequestScope } from "../request-scope.ts";

/** Fails with `resource-not-found` for another organization than the caller's, and `not-allowed` for all but its administrators. */
export function requireAdministratorOf({ caller, store }: RequestScope, organizationId = store.organizationId): void {
  if (organizationId !== store.organizationId) throw new BerthError("resource-not-found", `there is no organization ${organizationId}`);
  if (!caller.isAdministrator) throw new BerthError("not-allowed", "an administrator of the organization may");
}
