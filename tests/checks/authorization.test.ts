import { type DescField, type DescFile, type DescMessage, type DescService, ScalarType } from "@bufbuild/protobuf";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { authorizationTable, authorizedServices } from "../../src/plane/authorization/table.ts";
import { apiReference } from "../../tools/api-reference/main.ts";
import { authorizationDocument } from "../../tools/authorization.ts";

const root = join(import.meta.dirname, "../..");

/** Served by a host or a machine and never by a plane: without rows, a plane refuses them all. */
const neverServed = [
  "berth.v1.AgentService",
  "berth.v1.ContextService",
  "berth.v1.HostService",
  "berth.v1.RemoteAccessService",
  "berth.v1.SettingsService",
  "berth.v1.SupportService",
  "berth.v1.RunnerHostService",
  "berth.v1.SharedFolderService",
  "berth.v1.SyncService",
  "berth.v1.TerminalService",
];

async function generatedServices(): Promise<DescService[]> {
  const folder = join(root, "src/contract/gen");
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith("_pb.js"));
  const modules: Record<string, unknown>[] = await Promise.all(paths.map((path) => import(join(folder, path))));
  return modules.flatMap((module) => Object.values(module).filter(isFile)).flatMap((file) => file.services);
}

function isFile(value: unknown): value is DescFile {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "file";
}

test("every method of every service has a row, or its service is never served by a plane", async () => {
  const services = await generatedServices();
  expect(services.length).toBeGreaterThan(25);
  const decided = new Set([...authorizedServices.map(({ typeName }) => typeName), ...neverServed]);
  expect(services.map(({ typeName }) => typeName).filter((name) => !decided.has(name))).toEqual([]);
  const methods = authorizedServices.flatMap((service) => service.methods.map(({ name }) => `${service.typeName}/${name}`));
  expect([...authorizationTable.keys()].toSorted()).toEqual(methods.toSorted());
});

/** The field at a path of names, through lists and messages. */
function fieldAt(message: DescMessage, path: readonly string[]): DescField | undefined {
  const [name, ...rest] = path;
  const field = message.fields.find(({ localName }) => localName === name);
  if (field === undefined || rest.length === 0) return field;
  return field.message === undefined ? undefined : fieldAt(field.message, rest);
}

test("the fields that rows look at are there, and are strings", () => {
  for (const service of authorizedServices)
    for (const method of service.methods)
      for (const { path } of authorizationTable.get(`${service.typeName}/${method.name}`)?.targets ?? []) {
        if (path === "endpoint") continue;
        const field = fieldAt(method.input, path.split("."));
        expect(field?.scalar, `${service.typeName}/${method.name}: ${path}`).toBe(ScalarType.STRING);
      }
});

/** The paths of all strings in a request that are called ids, lists' filters aside: what those show is what the caller could read. */
function idPaths(message: DescMessage, above: readonly DescMessage[] = []): string[] {
  return message.fields.flatMap((field): string[] => {
    if (/(^|_)ids?$/.test(field.name) && field.scalar === ScalarType.STRING) return [field.localName];
    if (field.message === undefined || field.fieldKind === "map" || /^(filter|pagination)$/.test(field.name)) return [];
    if (above.includes(field.message)) return [];
    return idPaths(field.message, [...above, message]).map((path) => `${field.localName}.${path}`);
  });
}

test("no request names a resource by an id that its row does not look at", () => {
  const overlooked = authorizedServices.flatMap((service) =>
    service.methods.flatMap((method) => {
      const row = authorizationTable.get(`${service.typeName}/${method.name}`);
      const looked = new Set(row?.targets.map(({ path }) => path));
      return idPaths(method.input)
        .filter((path) => !looked.has(path))
        .map((path) => `${service.typeName.split(".").pop()}/${method.name}: ${path}`);
    }),
  );
  expect(overlooked).toMatchInlineSnapshot(`
    [
      "OrganizationService/JoinOrganization: organizationId",
      "OrganizationService/JoinOrganization: inviteId",
      "OrganizationService/GetOrganizationInviteSummary: inviteId",
      "OrganizationService/CreateSSOConfiguration: clientId",
      "OrganizationService/UpdateSSOConfiguration: clientId",
      "OrganizationService/UpdateOrganizationPolicies: allowedEditorIds",
      "OrganizationService/UpdateOrganizationPolicies: defaultEditorId",
      "OrganizationService/UpdateOrganizationPolicies: agentPolicy.scmToolsAllowedGroupId",
      "OrganizationService/UpdateOrganizationPolicies: agentPolicy.allowedAgentIds",
      "OrganizationService/UpdateOrganizationPolicies: securityAgentPolicy.crowdstrike.cidSecretId",
      "OrganizationService/UpdateOrganizationPolicies: securityAgentPolicy.customAgents.id",
      "OrganizationService/UpdateOrganizationPolicies: securityPolicyId",
      "OrganizationService/AcceptTermsOfService: versionId",
      "OrganizationService/SetStripeCustomerID: stripeCustomerId",
      "OrganizationService/CreateCustomDomain: awsAccountId",
      "OrganizationService/CreateCustomDomain: cloudAccountId",
      "OrganizationService/UpdateCustomDomain: awsAccountId",
      "OrganizationService/UpdateCustomDomain: cloudAccountId",
      "GroupService/GetMembership: subject.id",
      "GroupService/UnshareResourceWithPrincipal: principalId",
      "EnvironmentService/CreateEnvironment: spec.sshPublicKeys.id",
      "EnvironmentService/CreateEnvironment: spec.workflowActionId",
      "EnvironmentService/CreateEnvironment: spec.securityPolicyId",
      "EnvironmentService/CreateEnvironment: sessionId",
      "EnvironmentService/CreateEnvironmentFromProject: spec.sshPublicKeys.id",
      "EnvironmentService/CreateEnvironmentFromProject: spec.workflowActionId",
      "EnvironmentService/CreateEnvironmentFromProject: spec.securityPolicyId",
      "EnvironmentService/CreateEnvironmentFromProject: sessionId",
      "EnvironmentService/UpdateEnvironment: spec.sshPublicKeys.id",
      "EnvironmentAutomationService/CreateService: metadata.creator.id",
      "EnvironmentAutomationService/CreateTask: metadata.creator.id",
      "EnvironmentAutomationService/UpdateTaskExecutionStatus: steps.id",
      "EventService/WatchEvents: resourceTypeFilters.resourceIds",
      "EventService/WatchEvents: resourceTypeFilters.creatorIds",
      "EditorService/GetEditor: id",
      "EditorService/ResolveEditorURL: editorId",
      "EnvironmentOpsService/ReadTerminal: terminalId",
      "EnvironmentOpsService/WriteTerminal: terminalId",
      "EnvironmentOpsService/ResizeTerminal: terminalId",
      "EnvironmentOpsService/CloseTerminal: terminalId",
      "EnvironmentOpsService/AttachTerminal: terminalId",
      "EnvironmentOpsService/Exec: operationId",
      "EnvironmentOpsService/CancelExec: operationId",
      "WorkspaceService/CreateFromFolder: classId",
      "WorkspaceService/Exec: start.machineId",
      "RunnerService/CreateRunner: runnerManagerId",
      "RunnerConfigurationService/CreateSCMIntegration: scmId",
      "RunnerConfigurationService/CreateSCMIntegration: oauthClientId",
      "RunnerConfigurationService/UpdateSCMIntegration: oauthClientId",
      "RunnerConfigurationService/ValidateRunnerConfiguration: environmentClass.id",
      "RunnerConfigurationService/ValidateRunnerConfiguration: environmentClass.runnerId",
      "RunnerConfigurationService/ValidateRunnerConfiguration: scmIntegration.id",
      "RunnerConfigurationService/ValidateRunnerConfiguration: scmIntegration.scmId",
      "RunnerConfigurationService/ValidateRunnerConfiguration: scmIntegration.oauthClientId",
      "RunnerInteractionService/Signup: environmentClasses.id",
      "RunnerInteractionService/Signup: environmentClasses.runnerId",
      "RunnerInteractionService/UpdateRunnerConfigurationSchema: configSchema.runnerConfig.id",
      "RunnerInteractionService/UpdateRunnerConfigurationSchema: configSchema.environmentClasses.id",
      "RunnerInteractionService/UpdateRunnerConfigurationSchema: configSchema.scm.scmId",
      "RunnerInteractionService/UpdateRunnerEnvironmentStatus: status.machine.versions.amiId",
      "RunnerInteractionService/UpdateRunnerEnvironmentStatus: status.secrets.id",
      "RunnerInteractionService/UpdateRunnerEnvironmentStatus: status.devcontainer.containerId",
      "RunnerInteractionService/UpdateRunnerEnvironmentStatus: status.sshPublicKeys.id",
      "RunnerInteractionService/GetHostAuthenticationTokenValue: principalId",
      "RunnerInteractionService/SendResponse: requestId",
      "RunnerInteractionService/SendResponse: callParseContext.pr.id",
      "RunnerInteractionService/SendResponse: callParseContext.issue.id",
      "RunnerInteractionService/SendResponse: callParseContext.projectIds",
      "RunnerInteractionService/SendResponse: callParseContext.scmId",
      "RunnerInteractionService/SendResponse: callCheckAuthenticationForHost.scmId",
      "UsageService/GetActiveUsersCount: teamId",
      "UsageService/GetTopActiveUsers: teamId",
      "UsageService/GetActiveUsersTimeSeries: teamId",
      "UsageService/GetActiveEnvironmentsCount: teamId",
      "UsageService/GetActiveEnvironmentsTimeSeries: teamId",
      "UsageService/GetEnvironmentRuntime: teamId",
      "UsageService/GetEnvironmentRuntimeTimeSeries: teamId",
      "UsageService/GetTopProjects: teamId",
      "UsageService/GetTopEnvironmentClasses: teamId",
      "UsageService/GetAdoptionUsageSummary: teamId",
      "UsageService/GetEnvironmentSessionsTimeSeries: teamId",
      "UsageService/GetCoAuthorSummary: teamId",
      "UsageService/GetCoAuthorTimeSeries: teamId",
      "UsageService/GetAgentTraceSummary: teamId",
      "UsageService/GetAgentTraceTimeSeries: teamId",
      "UsageService/GetPrSummary: teamId",
      "UsageService/GetPrTimeSeries: teamId",
    ]
  `);
});

test("docs/AUTHORIZATION.md is what the table says", () => {
  expect(readFileSync(join(root, "docs/AUTHORIZATION.md"), "utf8") === authorizationDocument(), "run npm run docs:authorization").toBe(
    true,
  );
});

test("docs/api is what proto and the table say", () => {
  const folder = join(root, "docs/api");
  const made = apiReference();
  expect(readdirSync(folder).toSorted()).toEqual([...made.keys()].toSorted());
  for (const [name, text] of made) expect(readFileSync(join(folder, name), "utf8") === text, `${name} differs: run npm run gen`).toBe(true);
});
