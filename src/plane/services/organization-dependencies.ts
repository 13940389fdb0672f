import type { ScopeOf } from "../request-scope.ts";
import type { Store } from "../store/store.ts";

/** What the parts of the organization service use. */
export interface OrganizationDependencies {
  readonly store: Store;
  readonly scopeOf: ScopeOf;
  readonly now: () => number;
}
