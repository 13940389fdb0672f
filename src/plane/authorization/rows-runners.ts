import { TunnelService } from "../../contract/gen/berth/v1/tunnel_pb.js";
import { GatewayService } from "../../contract/gen/gitpod/v1/gateway_pb.js";
import { PrebuildService } from "../../contract/gen/gitpod/v1/prebuild_pb.js";
import { ProjectService } from "../../contract/gen/gitpod/v1/project_pb.js";
import { RunnerConfigurationService } from "../../contract/gen/gitpod/v1/runner_configuration_pb.js";
import { RunnerInteractionService } from "../../contract/gen/gitpod/v1/runner_interaction_pb.js";
import { RunnerService } from "../../contract/gen/gitpod/v1/runner_pb.js";
import { UsageService } from "../../contract/gen/gitpod/v1/usage_pb.js";
import {
  type Grants,
  minting,
  named,
  noTarget,
  optionalTarget,
  people,
  read,
  rowsOf,
  type ServiceRows,
  target,
  type TargetField,
  used,
  usedClass,
  write,
} from "./row.ts";

const runner = target("runner", "runnerId");
const runnerMakers: Grants = { admin: "any", runnersAdmin: "any" };
const runnerUsers: Grants = { user: "user", serviceAccount: "user", ...runnerMakers };
const runnerKeepers: Grants = { user: "admin", serviceAccount: "admin", ...runnerMakers };

const runners = rowsOf(RunnerService, {
  createRunner: minting(write("runners", noTarget, runnerMakers)),
  getRunner: read("runners", runner, runnerUsers),
  listRunners: read("runners", noTarget, people),
  updateRunner: write("runners", runner, runnerKeepers),
  deleteRunner: write("runners", runner, runnerKeepers),
  createRunnerToken: minting(write("runners", runner, runnerKeepers)),
  createRunnerLogsToken: write("runners", runner, runnerKeepers),
  parseContextURL: read("runners", optionalTarget("runner", "runnerId"), runnerUsers),
  searchRepositories: read("runners", runner, runnerUsers),
  listSCMOrganizations: read("runners", runner, runnerUsers),
  checkAuthenticationForHost: read("runners", runner, runnerUsers),
  checkRepositoryAccess: read("runners", runner, runnerUsers),
  listRunnerPolicies: read("runners", runner, runnerUsers),
  createRunnerPolicy: write("runners", [...runner, named("group", "groupId")], runnerKeepers),
  updateRunnerPolicy: write("runners", [...runner, named("group", "groupId")], runnerKeepers),
  deleteRunnerPolicy: write("runners", [...runner, named("group", "groupId")], runnerKeepers),
});

const hostToken = target("hostAuthenticationToken", "id");
/** A runner keeps the tokens that people's sign-ins at source-control hosts give it. */
const tokenOwners: Grants = { user: "own", serviceAccount: "own", runner: "own" };
const integration = target("scmIntegration", "id");
const llmIntegration = target("llmIntegration", "id");
const environmentClass = target("environmentClass", "environmentClassId");

const configuration = rowsOf(RunnerConfigurationService, {
  createHostAuthenticationToken: write(
    "runners",
    [
      ...runner,
      { kind: "user", path: "userId", optional: true, grants: { user: "own", runner: "any" } },
      { kind: "principal", path: "subject.id", optional: true, grants: { user: "own", serviceAccount: "own", runner: "any" } },
      named("scmIntegration", "integrationId", { optional: true }),
    ],
    { ...runnerUsers, runner: "own" },
  ),
  getHostAuthenticationToken: read("runners", hostToken, { user: "own", serviceAccount: "own" }),
  listHostAuthenticationTokens: read(
    "runners",
    [
      { kind: "user", path: "filter.userId", optional: true, grants: { user: "own" } },
      { kind: "principal", path: "filter.subjectId", optional: true, grants: { user: "own", serviceAccount: "own" } },
    ],
    people,
  ),
  updateHostAuthenticationToken: write("runners", hostToken, tokenOwners),
  deleteHostAuthenticationToken: write("runners", hostToken, { user: "own", serviceAccount: "own" }),
  getRunnerConfigurationSchema: read("runners", runner, runnerUsers),
  createSCMIntegration: write("runners", runner, runnerKeepers),
  getSCMIntegration: read("runners", integration, runnerUsers),
  listSCMIntegrations: read("runners", optionalTarget("runner", "filter.runnerIds"), runnerUsers),
  updateSCMIntegration: write("runners", integration, runnerKeepers),
  deleteSCMIntegration: write("runners", integration, runnerKeepers),
  createEnvironmentClass: write("runners", runner, runnerKeepers),
  getEnvironmentClass: read("runners", environmentClass, runnerUsers),
  listEnvironmentClasses: read("runners", optionalTarget("runner", "filter.runnerIds"), runnerUsers),
  updateEnvironmentClass: write("runners", environmentClass, runnerKeepers),
  validateRunnerConfiguration: read("runners", runner, runnerKeepers),
  createLLMIntegration: write("runners", runner, runnerKeepers),
  getLLMIntegration: read("runners", llmIntegration, runnerKeepers),
  listLLMIntegrations: read("runners", optionalTarget("runner", "filter.runnerIds"), runnerKeepers),
  updateLLMIntegration: write("runners", llmIntegration, runnerKeepers),
  deleteLLMIntegration: write("runners", llmIntegration, runnerKeepers),
});

const ownRunner: Grants = { runner: "own" };
const ownEnvironment: readonly TargetField[] = [...runner, ...target("environment", "environmentId")];

const interaction = rowsOf(RunnerInteractionService, {
  signup: write("runners", noTarget, { runner: "any" }),
  markRunnerActive: write("runners", runner, ownRunner),
  updateRunnerStatus: write("runners", runner, ownRunner),
  updateRunnerConfigurationSchema: write("runners", runner, ownRunner),
  listRunnerEnvironments: read("runners", [...runner, ...optionalTarget("environment", "environmentIds")], ownRunner),
  getRunnerEnvironment: read("runners", ownEnvironment, ownRunner),
  updateRunnerEnvironmentStatus: write("runners", ownEnvironment, ownRunner),
  listRunnerEnvironmentClasses: read("runners", runner, ownRunner),
  listRunnerSCMIntegrations: read("runners", runner, ownRunner),
  getHostAuthenticationTokenValue: read("runners", runner, ownRunner),
  getLatestVersion: read("runners", runner, ownRunner),
  watchRequests: read("runners", runner, ownRunner),
  sendResponse: write("runners", runner, ownRunner),
});

const gateways = rowsOf(GatewayService, { listGateways: read("runners", noTarget, { ...people, runner: "any", environment: "any" }) });

const tunnels = rowsOf(TunnelService, {
  // As ssh into it (WorkspaceService.DialSsh).
  open: write("environments", target("environment", "environmentId"), { user: "user", serviceAccount: "user" }),
  // What it was given for one tunnel says which; another runner's is not there for it.
  meet: write("runners", noTarget, { runner: "any" }),
});

const project = target("project", "projectId");
const projectMakers: Grants = { admin: "any", projectsAdmin: "any" };
const projectUsers: Grants = { user: "user", serviceAccount: "user", ...projectMakers };
const projectEditors: Grants = { user: "editor", serviceAccount: "editor", ...projectMakers };
const projectKeepers: Grants = { user: "admin", serviceAccount: "admin", ...projectMakers };

/** Prebuilds run on these classes, and as this principal. */
const prebuildTargets = (path: string): TargetField[] => [
  usedClass(`${path}prebuildConfiguration.environmentClassIds`),
  {
    kind: "principal",
    path: `${path}prebuildConfiguration.executor.id`,
    optional: true,
    grants: { user: "own", serviceAccount: "own", admin: "any" },
  },
];

const projects = rowsOf(ProjectService, {
  // Whether members may make projects is a policy of the organization, which the service looks at.
  createProject: write("projects", prebuildTargets(""), people),
  createProjects: write("projects", prebuildTargets("projects."), people),
  updateProjects: write("projects", [...target("project", "projects.projectId"), ...prebuildTargets("projects.")], projectEditors),
  deleteProjects: write("projects", target("project", "projectIds"), projectKeepers),
  createProjectFromEnvironment: write("projects", [used("environment", "environmentId")], people),
  getProject: read("projects", project, projectUsers),
  updateProject: write("projects", [...project, ...prebuildTargets("")], projectEditors),
  listProjects: read("projects", noTarget, people),
  deleteProject: write("projects", project, projectKeepers),
  listProjectPolicies: read("projects", project, projectUsers),
  createProjectPolicy: write("projects", [...project, named("group", "groupId")], projectKeepers),
  deleteProjectPolicy: write("projects", [...project, named("group", "groupId")], projectKeepers),
  updateProjectPolicy: write("projects", [...project, named("group", "groupId")], projectKeepers),
  listProjectEnvironmentClasses: read("projects", project, projectUsers),
  updateProjectEnvironmentClasses: write(
    "projects",
    [...project, usedClass("projectEnvironmentClasses.environmentClassId")],
    projectEditors,
  ),
});

const prebuild = target("prebuild", "prebuildId");
const warmPool = target("warmPool", "warmPoolId");
const withClass: readonly TargetField[] = [...project, usedClass("environmentClassId")];

const prebuilds = rowsOf(PrebuildService, {
  createPrebuild: write("projects", withClass, projectEditors),
  listPrebuilds: read("projects", optionalTarget("project", "filter.projectIds"), projectUsers),
  getPrebuild: read("projects", prebuild, projectUsers),
  cancelPrebuild: write("projects", prebuild, projectEditors),
  deletePrebuild: write("projects", prebuild, projectEditors),
  createPrebuildLogsToken: write("projects", prebuild, projectEditors),
  createWarmPool: write("projects", withClass, projectKeepers),
  getWarmPool: read("projects", warmPool, projectUsers),
  listWarmPools: read("projects", optionalTarget("project", "filter.projectIds"), projectUsers),
  updateWarmPool: write("projects", warmPool, projectKeepers),
  deleteWarmPool: write("projects", warmPool, projectKeepers),
});

const observers: Grants = { admin: "any", insightsViewer: "any" };
const usageOf = (grants: Grants, path = "projectId") => read("usage", [named("project", path, { optional: true })], grants);
const usageOfUser = read(
  "usage",
  [named("project", "projectId", { optional: true }), named("user", "userId", { optional: true })],
  observers,
);

const usage = rowsOf(UsageService, {
  getActiveUsersCount: usageOf(observers),
  getTopActiveUsers: usageOf(observers),
  getActiveUsersTimeSeries: usageOf(observers),
  listEnvironmentUsageRecords: usageOf({ ...observers, billingViewer: "any" }, "filter.projectId"),
  getActiveEnvironmentsCount: usageOf(observers),
  getActiveEnvironmentsTimeSeries: usageOf(observers),
  getEnvironmentRuntime: usageOf(observers),
  getEnvironmentRuntimeTimeSeries: usageOf(observers),
  getTopProjects: read("usage", noTarget, observers),
  getTopEnvironmentClasses: usageOf(observers),
  getAdoptionUsageSummary: usageOfUser,
  getEnvironmentSessionsTimeSeries: usageOf(observers),
  getCoAuthorSummary: usageOfUser,
  getCoAuthorTimeSeries: usageOfUser,
  getAgentTraceSummary: usageOfUser,
  getAgentTraceTimeSeries: usageOfUser,
  getPrSummary: usageOfUser,
  getPrTimeSeries: usageOfUser,
});

export const runnerRows: readonly ServiceRows[] = [runners, configuration, interaction, gateways, tunnels, projects, prebuilds, usage];
