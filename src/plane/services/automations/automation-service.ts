import type { ServiceImpl } from "@connectrpc/connect";
import type { EnvironmentAutomationService } from "../../../contract/gen/gitpod/v1/environment_automation_pb.js";
import type { ScopeOf } from "../../request-scope.ts";
import { automationsFile } from "./automations-file.ts";
import { environmentServices } from "./environment-services.ts";
import { environmentTasks } from "./environment-tasks.ts";
import { taskExecutions } from "./task-executions.ts";

export interface AutomationDependencies {
  readonly scopeOf: ScopeOf;
  readonly now: () => number;
}

/**
 * gitpod.v1.EnvironmentAutomationService: what is wanted is kept here, and what came of it; the environment reads the one
 * and tells the other, with its own token.
 */
export function automationService(dependencies: AutomationDependencies): ServiceImpl<typeof EnvironmentAutomationService> {
  return {
    ...environmentServices(dependencies),
    ...environmentTasks(dependencies),
    ...taskExecutions(dependencies),
    ...automationsFile(dependencies),
  };
}
