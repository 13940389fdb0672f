import type { DescMethodUnary } from "@bufbuild/protobuf";
import { BerthError } from "../../contract/berth-error.ts";
import { AccountService } from "../../contract/gen/gitpod/v1/account_pb.js";
import { EnvironmentService } from "../../contract/gen/gitpod/v1/environment_pb.js";
import { EventService } from "../../contract/gen/gitpod/v1/event_pb.js";
import { OrganizationService } from "../../contract/gen/gitpod/v1/organization_pb.js";
import { ProjectService } from "../../contract/gen/gitpod/v1/project_pb.js";
import { RunnerConfigurationService } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerService } from "../../contract/gen/gitpod/v1/runner_pb.js";
import { UsageService } from "../../contract/gen/gitpod/v1/usage_pb.js";
import { UserService } from "../../contract/gen/gitpod/v1/user_pb.js";

const { method: organization } = OrganizationService;
const { method: runner } = RunnerService;
const { method: configuration } = RunnerConfigurationService;
const { method: project } = ProjectService;
const { method: environment } = EnvironmentService;
const { method: event } = EventService;
const { method: usage } = UsageService;

/**
 * What the window may ask of a plane: what its pages for administrators show and change. None makes a token for a person, an
 * environment or a port, so that a page that was taken over gets nothing that lasts longer than itself; that of a new runner is
 * for one use.
 */
const methods: readonly DescMethodUnary[] = [
  AccountService.method.getAccount,
  UserService.method.deleteUser,
  UserService.method.setSuspended,
  organization.getOrganization,
  organization.listMembers,
  organization.setRole,
  organization.getOrganizationInvite,
  organization.createOrganizationInvite,
  organization.listSSOConfigurations,
  organization.createSSOConfiguration,
  organization.updateSSOConfiguration,
  organization.deleteSSOConfiguration,
  organization.listDomainVerifications,
  organization.createDomainVerification,
  organization.verifyDomain,
  organization.deleteDomainVerification,
  organization.getOrganizationPolicies,
  organization.updateOrganizationPolicies,
  runner.listRunners,
  runner.getRunner,
  runner.createRunner,
  runner.updateRunner,
  runner.deleteRunner,
  runner.createRunnerToken,
  configuration.listEnvironmentClasses,
  configuration.createEnvironmentClass,
  configuration.updateEnvironmentClass,
  configuration.validateRunnerConfiguration,
  project.listProjects,
  project.createProject,
  project.updateProject,
  project.deleteProject,
  environment.listEnvironments,
  environment.stopEnvironment,
  environment.deleteEnvironment,
  event.listAuditLogs,
  usage.getActiveEnvironmentsTimeSeries,
  usage.getEnvironmentRuntimeTimeSeries,
];

const byName: ReadonlyMap<string, DescMethodUnary> = new Map(methods.map((method) => [`${method.parent.typeName}/${method.name}`, method]));

/** The method of this name, `package.Service/Method`. Fails with `not-allowed` for all but those that administer an organization. */
export function planeMethod(name: string): DescMethodUnary {
  const method = byName.get(name);
  if (method === undefined) throw new BerthError("not-allowed", `'${name.slice(0, 100)}' is no method that the window calls`);
  return method;
}
