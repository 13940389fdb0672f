import type { ScopeOf } from "../request-scope.ts";
import type { Store } from "../store/store.ts";

/** Ends all that a member is signed in with. */
export type EndSignIns = (member: { readonly organizationId: string; readonly accountId: string }) => Promise<void>;

/** What the parts of the organization service use. */
export interface OrganizationDependencies {
  readonly store: Store;
  readonly scopeOf: ScopeOf;
  readonly now: () => number;
  readonly endSignIns: EndSignIns;
}
