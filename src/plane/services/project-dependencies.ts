import { BerthError } from "../../contract/berth-error.ts";
import type { Project } from "../../contract/gen/gitpod/v1/project_pb.js";
import type { Fleet } from "../fleet.ts";
import type { RequestScope, ScopeOf } from "../request-scope.ts";
import type { PageTokens } from "../store/page-tokens.ts";

/** What the parts of the project service use. */
export interface ProjectDependencies {
  readonly scopeOf: ScopeOf;
  readonly fleet: Fleet;
  readonly tokens: PageTokens;
  readonly now: () => number;
}

/** Who made a project and administrators change it. Fails with `request-not-permitted` for others. */
export function requireChange(scope: RequestScope, { metadata }: Project): void {
  if (metadata?.creator?.id === scope.caller.id || scope.caller.isAdministrator) return;
  throw new BerthError("request-not-permitted", "who made the project, or an administrator, may");
}
