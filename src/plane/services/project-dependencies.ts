import type { Fleet } from "../fleet.ts";
import type { ScopeOf } from "../request-scope.ts";
import type { PageTokens } from "../store/page-tokens.ts";

/** What the parts of the project service use. */
export interface ProjectDependencies {
  readonly scopeOf: ScopeOf;
  readonly fleet: Fleet;
  readonly tokens: PageTokens;
  readonly now: () => number;
}
