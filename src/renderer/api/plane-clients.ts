import { type Client, createClient } from "@connectrpc/connect";
import type { ContextService } from "../../contract/gen/berth/v1/context_pb.js";
import { AccountService } from "../../contract/gen/gitpod/v1/account_pb.js";
import { EnvironmentService } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { EventService } from "../../contract/gen/gitpod/v1/event_pb.js";
import { OrganizationService } from "../../contract/gen/gitpod/v1/organization_pb.js";
import { ProjectService } from "../../contract/gen/gitpod/v1/project_pb.js";
import { RunnerConfigurationService } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerService } from "../../contract/gen/gitpod/v1/runner_pb.js";
import { UsageService } from "../../contract/gen/gitpod/v1/usage_pb.js";
import { UserService } from "../../contract/gen/gitpod/v1/user_pb.js";
import { contextTransport } from "./context-transport.ts";

/** Clients of a plane's API. Only what src/host/contexts/plane-methods.ts names is answered. */
export interface PlaneClients {
  readonly accounts: Client<typeof AccountService>;
  readonly environments: Client<typeof EnvironmentService>;
  readonly events: Client<typeof EventService>;
  readonly organizations: Client<typeof OrganizationService>;
  readonly projects: Client<typeof ProjectService>;
  readonly runnerConfiguration: Client<typeof RunnerConfigurationService>;
  readonly runners: Client<typeof RunnerService>;
  readonly usage: Client<typeof UsageService>;
  readonly users: Client<typeof UserService>;
}

export function createPlaneClients(contexts: Client<typeof ContextService>, contextId: string): PlaneClients {
  const transport = contextTransport(contexts, contextId);
  return {
    accounts: createClient(AccountService, transport),
    environments: createClient(EnvironmentService, transport),
    events: createClient(EventService, transport),
    organizations: createClient(OrganizationService, transport),
    projects: createClient(ProjectService, transport),
    runnerConfiguration: createClient(RunnerConfigurationService, transport),
    runners: createClient(RunnerService, transport),
    usage: createClient(UsageService, transport),
    users: createClient(UserService, transport),
  };
}
